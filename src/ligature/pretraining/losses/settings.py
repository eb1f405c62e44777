"""Which terms the loss of AlignCLIP has, and how it is computed."""

import math
from dataclasses import dataclass
from typing import Literal

from ligature.errors import ParamsError

_KNOWN = {"rescaling": ("cosine", "exponent", "none"), "form": ("local", "gathered")}
_MODALITIES = ("image", "text")


@dataclass(frozen=True)
class AlignmentSettings:
    """The settings of the loss of AlignCLIP (arXiv 2406.17639).

    Attributes:
        separate: modalities whose samples are pushed apart, of ``image`` and ``text``; none leaves CLIP's loss.
        rescaling: what the semantic distance of two captions does to the separation of their samples: ``cosine``
            multiplies their cosine, as published; ``exponent`` weighs their term of the softmax, so that a negative of
            the same meaning counts nothing; ``none``, nothing.
        halved: whether separation goes with the mean of both directions of the contrastive loss, as in CLIP, instead
            of their sum, as published. Without separation it is the mean in either case.
        alpha: weight of the contrastive loss.
        beta: weight of each separated modality.
        tile: rows and columns of the logits that exist at a time, or None for all of them at once.
        form: with several processes, ``local`` compares a process's own rows with those of all; ``gathered`` computes
            the whole loss on each, and every one takes an equal share of it.

    Raises:
        ParamsError: for a value out of range.
    """

    separate: tuple[str, ...] = ()
    rescaling: Literal["cosine", "exponent", "none"] = "cosine"
    halved: bool = False
    alpha: float = 1.0
    beta: float = 0.5
    tile: int | None = 1024
    form: Literal["local", "gathered"] = "local"

    def __post_init__(self) -> None:
        """Checks every value."""
        if len(set(self.separate)) != len(self.separate) or not set(self.separate) <= set(_MODALITIES):
            raise ParamsError(f"separate is {self.separate!r}: it names 'image', 'text', both or neither, each once")
        for key, known in _KNOWN.items():
            if getattr(self, key) not in known:
                raise ParamsError(f"{key} is {getattr(self, key)!r}: it is one of {', '.join(map(repr, known))}")
        for key in ("alpha", "beta"):
            value = getattr(self, key)
            if not 0 < value < math.inf:
                raise ParamsError(f"{key} is {value}: it is a number above 0")
        if self.tile is not None and self.tile < 1:
            raise ParamsError(f"tile is {self.tile}: it is at least 1")

    @property
    def semantic(self) -> bool:
        """Whether semantic vectors of the captions are needed."""
        return bool(self.separate) and self.rescaling != "none"

    @property
    def directions(self) -> int:
        """How often the mean of both directions of the contrastive loss counts: twice where they are summed."""
        return 2 if self.separate and not self.halved else 1


def chance_alignment_loss(settings: AlignmentSettings, batch_size: int) -> float:
    """Returns the loss of logits without any information: each of its cross-entropies is ``log(batch_size)``."""
    weights = settings.alpha * settings.directions + settings.beta * len(settings.separate)
    return weights * math.log(batch_size)
