"""Which contrastive loss is computed, over which negatives and how."""

from dataclasses import dataclass
from typing import Literal

from ligature.errors import ParamsError


@dataclass(frozen=True)
class LossSettings:
    """The settings of the contrastive loss.

    Attributes:
        kind: ``infonce``, a softmax over the negatives in both directions (CLIP, arXiv 2103.00020), or ``siglip``, a
            sigmoid for every pair (arXiv 2303.15343).
        negatives: ``global``, all other pairs of the batch, of all processes; ``local``, those of the same group.
        group: with local negatives, the consecutive pairs that make a group.
        tile: rows and columns of the logits that exist at a time, or None for all of them at once.

    Raises:
        ParamsError: for a value out of range.
    """

    kind: Literal["infonce", "siglip"] = "infonce"
    negatives: Literal["global", "local"] = "global"
    group: int | None = None
    tile: int | None = 1024

    def __post_init__(self) -> None:
        """Checks every value."""
        for key, known in {"kind": ("infonce", "siglip"), "negatives": ("global", "local")}.items():
            if getattr(self, key) not in known:
                raise ParamsError(f"{key} is {getattr(self, key)!r}: it is {known[0]!r} or {known[1]!r}")
        if (self.negatives == "local") != (self.group is not None):
            raise ParamsError(
                f"negatives is {self.negatives!r} and group is {self.group}: local negatives take a group, global none"
            )
        for key, lowest in {"group": 2, "tile": 1}.items():
            value = getattr(self, key)
            if value is not None and value < lowest:
                raise ParamsError(f"{key} is {value}: it is at least {lowest}")
