"""How long, in which batches and at which learning rate a model is trained."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from ligature.errors import ParamsError

WITHOUT_EFFECT_ON_RESULTS = ("checkpoint_every_seconds", "checkpoint_every_steps", "require_progress")
"""Settings that say when to save and when to stop, and not what is learned."""


@dataclass(frozen=True)
class Schedule:
    """The settings that every training has.

    Attributes:
        epochs: passes over the images.
        batch_size: pairs a step; every other pair of the batch is a negative.
        warmup_steps: steps in which the learning rate rises.
        learning_rate: the highest learning rate.
        min_learning_rate: the learning rate of the first and of the last step.
        weight_decay: AdamW's decay, on matrices only.
        seed: seed of the initial weights, the batches and the dropout.
        max_steps: stop after this many steps, even inside an epoch.
        validate_every_epochs: epochs between two validations; the last epoch is always validated.
        checkpoint_every_seconds: seconds between two checkpoints; 0 writes one after every step.
        checkpoint_every_steps: steps between two checkpoints besides; None leaves it to the clock.
        require_progress: stop with an error if the loss does not fall.

    Raises:
        ParamsError: for a value out of range.
    """

    epochs: int
    batch_size: int
    warmup_steps: int
    learning_rate: float = 1e-3
    min_learning_rate: float = 1e-5
    weight_decay: float = 0.02
    seed: int = 0
    max_steps: int | None = None
    validate_every_epochs: int = 1
    checkpoint_every_seconds: float = 300.0
    checkpoint_every_steps: int | None = None
    require_progress: bool = True
    decay: ClassVar[str] = "cosine"
    """How the learning rate falls after the warm-up; a field where a training may choose."""

    def __post_init__(self) -> None:
        """Checks every value."""
        lowest = {"epochs": 1, "batch_size": 2, "warmup_steps": 0, "weight_decay": 0, "seed": 0}
        lowest |= {"validate_every_epochs": 1, "max_steps": 1}
        lowest |= {"checkpoint_every_seconds": 0, "checkpoint_every_steps": 1}
        for key, bound in lowest.items():
            value = getattr(self, key)
            if value is not None and not value >= bound:
                raise ParamsError(f"{key} is {value}: it is at least {bound}")
        if not 0 <= self.min_learning_rate <= self.learning_rate or self.learning_rate == 0:
            raise ParamsError(
                f"learning_rate {self.learning_rate} and min_learning_rate {self.min_learning_rate}: "
                "the first must be above 0, the second between 0 and the first"
            )

    def decisive(self) -> dict[str, Any]:
        """Returns the settings that decide the results, as plain values."""
        return {key: value for key, value in asdict(self).items() if key not in WITHOUT_EFFECT_ON_RESULTS}

    def steps_per_epoch(self, images: int) -> int:
        """Returns the batches of one pass; a partial batch counts only where it is the only one."""
        return max(images // self.batch_size, 1)

    def total_steps(self, images: int) -> int:
        """Returns the steps of the whole training.

        Raises:
            ParamsError: if the warm-up is not shorter.
        """
        steps = self.epochs * self.steps_per_epoch(images)
        steps = steps if self.max_steps is None else min(steps, self.max_steps)
        if self.warmup_steps >= steps:
            raise ParamsError(
                f"warmup_steps is {self.warmup_steps}, but the training has only {steps} steps "
                f"({images} images, batch_size {self.batch_size}, epochs {self.epochs}): lower it"
            )
        return steps
