"""How a pair of encoders is trained from scratch."""

from dataclasses import dataclass, field

from ligature.errors import ParamsError
from ligature.pretraining.losses import AlignmentSettings
from ligature.training.settings import Schedule


@dataclass(frozen=True)
class PretrainSettings(Schedule):
    """The settings of one pre-training.

    Attributes:
        loss: the contrastive loss and the separation within a modality.
        crop: least and largest share of an image's area in a random crop.
        betas: coefficients of AdamW.
        eps: added to AdamW's denominator.

    The published training of AlignCLIP (arXiv 2406.17639) has 30 epochs, batches of 512, 10,000 warm-up steps, a
    learning rate from 1e-3 to 0, weight decay 0.1, and the defaults given here.

    Raises:
        ParamsError: for a value out of range.
    """

    loss: AlignmentSettings = field(default_factory=AlignmentSettings)
    crop: tuple[float, float] = (0.9, 1.0)
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6

    def __post_init__(self) -> None:
        """Checks every value."""
        super().__post_init__()
        if not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ParamsError(f"crop is {self.crop}: it is a smaller and a larger share of the area, from above 0 to 1")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ParamsError(f"betas are {self.betas}: each is at least 0 and below 1")
        if not self.eps > 0:
            raise ParamsError(f"eps is {self.eps}: it is above 0")
