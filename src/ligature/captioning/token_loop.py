"""The loop of training on next tokens: the loss is their mean over the whole batch."""

from abc import abstractmethod
from typing import Protocol, TypeVar

from torch import Tensor, nn
from torch.optim import Optimizer

from ligature.errors import ParamsError
from ligature.training.distributed import Processes
from ligature.training.loop import MicroBatch, TrainingLoop
from ligature.training.runtime import Runtime
from ligature.training.settings import Schedule


class TokenBatch(MicroBatch, Protocol):
    """Samples that are computed at once."""

    @property
    def count(self) -> int:
        """Tokens to be predicted."""


Part = TypeVar("Part", bound=TokenBatch)


class TokenLoop(TrainingLoop[Part]):
    """One training on next tokens in progress, in one of its processes.

    Every token of a batch weighs the same, in whichever micro-batch and process it stands.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        samples: int,
        settings: Schedule,
        runtime: Runtime,
        processes: Processes,
    ) -> None:
        """Takes the model as it starts, as every loop does.

        Raises:
            ParamsError: if the arguments do not fit together, or the model should be compiled.
        """
        if runtime.compiled:
            raise ParamsError("compiled: language models are trained without torch.compile; leave it out")
        super().__init__(model, optimizer, samples, settings, runtime, processes)

    @abstractmethod
    def token_loss(self, part: Part) -> Tensor:
        """Returns the sum of the cross entropies of a micro-batch's tokens, a scalar in float32."""

    def backward(self, parts: list[Part]) -> float:
        """Adds this process's share of the gradient to the parameters, and returns its share of the loss."""
        tokens = self.processes.sum(sum(part.count for part in parts))
        loss = 0.0
        for number, part in enumerate(parts):
            with self.computing(number):
                share = self.token_loss(part) / tokens
            self.state.scaler.scale(share).backward()
            loss += share.item()
        return loss
