"""Kernel ridge regression both ways between x and y, penalties chosen by leave-one-out."""

import numpy as np

from ligature.errors import DataError
from ligature.matching.bandwidth import MedianWindow
from ligature.matching.baselines.leave_one_out import choose_penalty
from ligature.matching.baselines.vectors import centred_base, unit_rows
from ligature.matching.kernels import squared_distances
from ligature.matching.matcher import Matcher

ROUNDING = 1e-14
"""Eigenvalues of a centred kernel matrix [m, m] up to m times this are rounding; its rank is at most m - 1."""


class KernelRidge(Matcher):
    """Scores a pair by the mean of two cosines: prediction of y with y, and x with the prediction of x.

    Predictions are RBF kernel ridge regressions with an intercept, k(a, b) = exp(-|a - b|^2 / (2 s)), where s is the
    lower median of the non-zero squared distances of the base on the side predicted from; each has the penalty of the
    smallest exact leave-one-out error on the grid ``leave_one_out.PENALTIES``. Targets and predictions are taken around
    the base mean. O(m^3 + m^2 d) for m anchors.

    Attributes:
        penalties_: penalty of y from x and of x from y, in units of the kernel.
        bandwidths_: s of x and of y, in units of squared features.
    """

    penalties_: tuple[float, float]
    bandwidths_: tuple[float, float]

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self._mean_x, rows_x = centred_base(x, "base_x")
        self._mean_y, rows_y = centred_base(y, "base_y")
        self._from_x = _KernelRegression(x, rows_y, "x")
        self._from_y = _KernelRegression(y, rows_x, "y")
        self.penalties_ = self._from_x.penalty, self._from_y.penalty
        self.bandwidths_ = self._from_x.bandwidth, self._from_y.bandwidth

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return _joined(self._from_x.predict(x), x - self._mean_x)

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return _joined(y - self._mean_y, self._from_y.predict(y))


class _KernelRegression:
    """One regression, from the base of one side to the centred rows of the other."""

    def __init__(self, base: np.ndarray, targets: np.ndarray, side: str) -> None:
        distances = squared_distances(base, base)
        self._base, self._side = base, side
        self.bandwidth = MedianWindow(distances, f"base_{side}").base
        gram = self._kernel(distances)
        self._mean = gram.mean(axis=0)
        spectrum, basis = np.linalg.eigh(gram - self._mean - self._mean[:, None] + self._mean.mean())
        kept = spectrum > ROUNDING * len(base)
        spectrum, basis = spectrum[kept], basis[:, kept]
        self.penalty = choose_penalty(basis, spectrum, targets)
        self._coefficients = basis @ ((basis.T @ targets) / (spectrum + self.penalty)[:, None])

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Returns predictions around the base mean; coefficients sum to zero, so one mean of the kernel is enough."""
        distances = squared_distances(features, self._base)
        if not np.isfinite(distances).all():
            row = int(np.flatnonzero(~np.isfinite(distances).all(axis=1))[0])
            raise DataError(f"{self._side}: row {row} is too far from the anchors for float64; scale the features down")
        return (self._kernel(distances) - self._mean) @ self._coefficients

    def _kernel(self, distances: np.ndarray) -> np.ndarray:
        return np.exp(distances / (-2 * self.bandwidth))


def _joined(in_y: np.ndarray, in_x: np.ndarray) -> np.ndarray:
    return np.hstack([unit_rows(in_y), unit_rows(in_x)]) / np.sqrt(2)
