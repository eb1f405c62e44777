"""How one stage of a training on captions goes: which parts are trained, at which rates."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from ligature.captioning.model import PARTS
from ligature.errors import ParamsError
from ligature.training.settings import Schedule

Decay = Literal["cosine", "linear"]


@dataclass(frozen=True)
class StageSettings(Schedule):
    """The settings of one stage.

    Attributes:
        learning_rate: the largest of the rates; it follows from them.
        min_learning_rate: of the first and last step, for the part with the largest rate; others in proportion.
        learning_rates: highest learning rate of every part that is trained, of ``vision``, ``connector`` and
            ``language``; parts that are not named stay as they are.
        decay: how the rates fall after the warm-up, ``cosine`` or ``linear``.

    Raises:
        ParamsError: for a value that is unknown or out of range.
    """

    learning_rate: float = field(init=False, default=0.0)
    min_learning_rate: float = 0.0
    learning_rates: dict[str, float] = field(default_factory=lambda: {"connector": 1e-3})
    decay: Decay = "cosine"

    def __post_init__(self) -> None:
        """Checks every value."""
        if not self.learning_rates:
            raise ParamsError(f"learning_rates is empty: give one for {', '.join(PARTS)} or some of them")
        for part, rate in self.learning_rates.items():
            if part not in PARTS:
                raise ParamsError(f"learning_rates names {part!r}: the parts are {', '.join(PARTS)}")
            if not rate > 0:
                raise ParamsError(f"learning_rates.{part} is {rate}: it is above 0")
        if self.decay not in get_args(Decay):
            raise ParamsError(f"decay is {self.decay!r}: use one of {', '.join(get_args(Decay))}")
        object.__setattr__(self, "learning_rate", max(self.learning_rates.values()))
        super().__post_init__()

    @property
    def shares(self) -> dict[str, float]:
        """Every trained part's rate as a share of the largest."""
        return {part: rate / self.learning_rate for part, rate in self.learning_rates.items()}
