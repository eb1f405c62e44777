"""How a projector is trained."""

from dataclasses import dataclass, field

from ligature.training.losses import LossSettings
from ligature.training.settings import Schedule


@dataclass(frozen=True)
class TrainSettings(Schedule):
    """The settings of one training of a projector.

    Attributes:
        loss: the contrastive loss.

    The published training has 15 epochs, batches of 14,400, 1,000 warm-up steps, and the defaults given here
    (arXiv 2409.19425).

    Raises:
        ParamsError: for a value out of range.
    """

    loss: LossSettings = field(default_factory=LossSettings)
