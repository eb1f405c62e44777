"""Relative representations: every item described by its cosines to the base of its own side."""

import numpy as np

from ligature.errors import DataError, ParamsError
from ligature.matching.baselines.vectors import centred_base, peak_rows, unit_rows
from ligature.matching.matcher import Matcher

KEPT_SHARE = 0.5
"""Share of the base that ASIF keeps by default; the published hundreds of 1.6 million would be none of a small one."""


class _Cosines:
    """Cosines of items with the base of one side, around a given origin."""

    def __init__(self, base: np.ndarray, origin: np.ndarray) -> None:
        self._origin = origin
        self._anchors = unit_rows(base - origin)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return unit_rows(features - self._origin) @ self._anchors.T


class Relative(Matcher):
    """Scores a pair by the cosine of relative representations: vectors of cosines to the m anchors of the own side.

    Raw, as published (Moschella et al., 2023, arXiv 2209.15430), all cosines share the large part that comes of the
    mean of the features, and that part decides who is near whom. Centred, the base mean of the features is subtracted
    first. That of the relative vectors is not: the products X u of centred anchors X with a centred item u average to
    zero over the base as they are, and the cosines nearly so. This is the kin of linear local CKA, whose scores rest on
    kappa = X u: the centred relative vector is kappa with anchors and item scaled to length one. Nothing is learnt.
    """

    def __init__(self, centred: bool = True) -> None:
        """Sets what ``fit`` will do.

        Args:
            centred: whether the base mean of its side is taken from the features before the cosine.
        """
        self.centred = centred

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self._cosines_x = _Cosines(x, self._origin(x, "base_x"))
        self._cosines_y = _Cosines(y, self._origin(y, "base_y"))

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return unit_rows(self._cosines_x(x))

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return unit_rows(self._cosines_y(y))

    def _origin(self, base: np.ndarray, side: str) -> np.ndarray:
        return centred_base(base, side)[0] if self.centred else np.zeros(base.shape[1])


class Asif(Matcher):
    """Scores a pair by the cosine of sparse relative representations (ASIF; Norelli et al., NeurIPS 2023).

    Of an item's cosines to the m anchors of its side the k largest are kept and raised to a power; all others are zero.
    Cosines below zero count as zero, since an even power would make them similar. Those equal to the k-th are kept too,
    so the order of the anchors does not matter. Features are not centred, as published. Nothing is learnt.

    Attributes:
        k_: anchors kept of an item.
    """

    k_: int

    def __init__(self, k: int | None = None, exponent: float = 8) -> None:
        """Sets what ``fit`` will do.

        Args:
            k: anchors kept of an item; None keeps ``KEPT_SHARE`` of the base.
            exponent: power of the cosines kept.

        Raises:
            ParamsError: k below one, or an exponent that is not above zero.
        """
        if k is not None and k < 1:
            raise ParamsError(f"k is {k}: keep at least 1 anchor, or None for a share of the base")
        if not 0 < exponent < np.inf:
            raise ParamsError(f"exponent is {exponent}: use a finite number above zero")
        self.k, self.exponent = k, exponent

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.k_ = round(KEPT_SHARE * len(x)) if self.k is None else self.k
        if self.k_ > len(x):
            raise DataError(f"asif: k = {self.k_}, but the base has {len(x)} pairs; give a k of at most that many")
        self._cosines_x = _Cosines(x, np.zeros(x.shape[1]))
        self._cosines_y = _Cosines(y, np.zeros(y.shape[1]))

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return self._sparse(self._cosines_x(x))

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return self._sparse(self._cosines_y(y))

    def _sparse(self, cosines: np.ndarray) -> np.ndarray:
        last = cosines.shape[1] - self.k_
        lowest = np.partition(cosines, last, axis=1)[:, last, None]
        kept = np.where(cosines >= lowest, np.maximum(cosines, 0), 0)
        return unit_rows(peak_rows(kept) ** self.exponent)
