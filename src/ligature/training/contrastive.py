"""The loop of contrastive training: every pair of a batch is a negative of the others."""

from abc import abstractmethod
from typing import Any

from torch import Tensor

from ligature.training.accumulation import accumulate_gradients
from ligature.training.loop import Part, TrainingLoop


class ContrastiveLoop(TrainingLoop[Part]):
    """One contrastive training in progress, in one of its processes.

    A subclass says what the pairs of a step are, how a model encodes them and which loss they have. The model has a
    ``temperature`` besides, and is asked to ``clamp_temperature()`` after every step.
    """

    @abstractmethod
    def encode(self, part: Part) -> tuple[Tensor, Tensor]:
        """Returns the image and the text features of a micro-batch."""

    @abstractmethod
    def loss(self, images: Tensor, texts: Tensor, parts: list[Part]) -> Tensor:
        """Returns this process's share of the loss of the features of all micro-batches."""

    def facts_of_step(self) -> dict[str, float]:
        """Returns the temperature that the step uses."""
        return {"temperature": self.state.model.temperature}

    def end_step(self) -> None:
        """Keeps the temperature within its bounds."""
        self.state.model.clamp_temperature()

    def backward(self, parts: list[Part]) -> float:
        """Adds this process's share of the gradient to the parameters, and returns its share of the loss."""

        def encode(part: int) -> tuple[Tensor, Tensor]:
            with self.computing(part):
                return self.encode(parts[part])

        def loss_of(images: Tensor, texts: Tensor) -> Tensor:
            return self.loss(images, texts, parts)

        return accumulate_gradients(encode, len(parts), loss_of, self.state.scaler.scale).item()

    def outcome(self) -> dict[str, Any]:
        """Returns what every finished training reports, and the temperature."""
        return super().outcome() | {"temperature": self.state.model.temperature}
