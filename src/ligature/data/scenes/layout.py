"""Where objects stand, in fractions of the image side, and which can stand together without touching."""

import math
from functools import cache

from ligature.data.scenes.vocabulary import PLACES, SIZES

_CENTRES = (0.2, 0.5, 0.8)
_MARGIN = 0.03
_GAP = 0.04


def centre(size: str, place: str) -> tuple[float, float]:
    """Returns the nominal x and y of an object; large ones are moved inwards to stay in the picture."""
    row, column = PLACES[place]
    edge = SIZES[size] + _MARGIN
    x, y = (min(max(_CENTRES[cell], edge), 1 - edge) for cell in (column, row))
    return x, y


@cache
def apart(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two objects, each a size and a place, leave a gap between them."""
    return math.dist(centre(*one), centre(*other)) >= SIZES[one[0]] + SIZES[other[0]] + _GAP


STANDS = tuple((size, place) for size in SIZES for place in PLACES)
"""Every pair of a size and a place."""
