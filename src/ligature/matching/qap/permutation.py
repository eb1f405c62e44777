"""The matching that was found, with what the search says about it."""

from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

ATTRIBUTES = ("objective", "seed_objective", "iterations", "form")


class Permutation(np.ndarray):
    """For every query on the side of x the row of y it is matched to: int64, and an index like any other.

    Slices, copies and pickles keep the attributes, which speak of the whole matching; arithmetic and comparisons give
    plain arrays.

    Attributes:
        objective: CKA of the anchors and the matched pairs together, where there are as many candidates as queries.
            With more candidates each side is centred over its own points; the objective then is that of the matched
            part, which no longer is a CKA. It says how far the search came, not how much is right: the true matching
            often has a smaller one.
        seed_objective: the part of the objective that pairs of anchors contribute, which no matching changes.
        iterations: steps of Frank-Wolfe in the run that was taken.
        form: ``faq`` or ``hollow``.
    """

    objective: float
    seed_objective: float
    iterations: int
    form: str

    def __new__(
        cls, columns: ArrayLike, *, objective: float, seed_objective: float, iterations: int, form: str
    ) -> Self:
        """Takes the rows of y [q] and what is known of them."""
        permutation = np.array(columns, dtype=np.int64).view(cls)
        for name, value in zip(ATTRIBUTES, (objective, seed_objective, iterations, form), strict=True):
            setattr(permutation, name, value)
        return permutation

    def __array_finalize__(self, source: np.ndarray | None) -> None:
        """Takes over the attributes of the array that this one is a view or a copy of."""
        for name in ATTRIBUTES:
            setattr(self, name, getattr(source, name, None))

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        """Returns the result of a function of arrays as a plain array or scalar."""
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain

    def __reduce__(self) -> tuple[partial, tuple[np.ndarray]]:
        """Returns what pickles it together with its attributes."""
        attributes = {name: getattr(self, name) for name in ATTRIBUTES}
        return partial(Permutation, **attributes), (np.array(self),)
