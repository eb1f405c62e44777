"""The published linear baseline, kept for comparison."""

import numpy as np

from ligature.matching.baselines.vectors import unit_rows
from ligature.matching.matcher import Matcher


class UnregularisedLinear(Matcher):
    """Scores a pair by the cosine of y and its prediction by plain least squares: the published baseline.

    It is the linear method of Maniparambil et al. (2024, arXiv 2401.05224), a weak one. With no penalty its error peaks
    where the base has about as many rows as x has dimensions (double descent), and with fewer rows it interpolates the
    base, noise and all. With no intercept the map must carry the means, and the cosine measures them too. ``Ridge`` is
    the same regression without these faults.
    """

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self._map = np.linalg.lstsq(x, y, rcond=None)[0]

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return unit_rows(x @ self._map)

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return unit_rows(y)
