"""Regularised canonical correlation analysis, its penalties chosen by leave-one-out."""

import numpy as np

from ligature.errors import DataError, ParamsError
from ligature.matching.baselines.leave_one_out import choose_penalty
from ligature.matching.baselines.vectors import Axes, centred_base, principal_axes, unit_rows
from ligature.matching.matcher import Matcher


class RegularisedCCA(Matcher):
    """Scores a pair by the cosine of canonical variates, each weighted by its correlation.

    Variates are the singular directions of (X'X + l_x)^(-1/2) X'Y (Y'Y + l_y)^(-1/2) on the centred base; the singular
    values rho are correlations that the penalties have shrunk below one. The variates of both sides are multiplied by
    rho: rho times a variate of x is what it predicts of the variate of y, and directions that are noise fade with no
    cut. (Canonical similarity analysis weights by correlation too, in another form: Li et al., ICLR 2025.)

    Without penalties every correlation is one where there are fewer anchors than dimensions, and a fixed penalty that
    suits one base is far off on another. So l_x is by default the penalty of the ridge regression of y on x with the
    smallest exact leave-one-out error, and l_y that of x on y, both on the grid ``leave_one_out.PENALTIES``.
    O(m^2 d + m^3) for m anchors.

    Attributes:
        penalties_: l_x and l_y, in units of squared features summed over the base.
        correlations_: rho of the components kept, descending.
    """

    penalties_: tuple[float, float]
    correlations_: np.ndarray

    def __init__(self, components: int | None = None, penalty: float | None = None) -> None:
        """Sets what ``fit`` will do.

        Args:
            components: canonical directions kept; None keeps all, at most min(m - 1, d_x, d_y).
            penalty: of both sides, in units of the mean eigenvalue of each; None chooses one a side by leave-one-out.

        Raises:
            ParamsError: components below one, or a penalty that is not above zero.
        """
        if components is not None and components < 1:
            raise ParamsError(f"components is {components}: keep at least 1, or None for all")
        if penalty is not None and not 0 < penalty < np.inf:
            raise ParamsError(f"penalty is {penalty}: use a finite number above zero, or None to choose it")
        self.components, self.penalty = components, penalty

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self._mean_x, rows_x = centred_base(x, "base_x")
        self._mean_y, rows_y = centred_base(y, "base_y")
        axes_x, axes_y = principal_axes(rows_x), principal_axes(rows_y)
        self.penalties_ = self._penalty_of(axes_x, rows_y), self._penalty_of(axes_y, rows_x)
        whitening_x, whitening_y = map(_whitening, (axes_x, axes_y), self.penalties_)
        inner = (axes_x.values * whitening_x)[:, None] * (axes_x.basis.T @ axes_y.basis) * (axes_y.values * whitening_y)
        left, correlations, right = np.linalg.svd(inner, full_matrices=False)
        kept = self._kept(len(correlations))
        self.correlations_ = correlations[:kept]
        self._map_x = axes_x.directions @ (whitening_x[:, None] * left[:, :kept]) * self.correlations_
        self._map_y = axes_y.directions @ (whitening_y[:, None] * right[:kept].T) * self.correlations_

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return unit_rows((x - self._mean_x) @ self._map_x)

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return unit_rows((y - self._mean_y) @ self._map_y)

    def _penalty_of(self, axes: Axes, targets: np.ndarray) -> float:
        spectrum = np.square(axes.values)
        if self.penalty is not None:
            return float(self.penalty * spectrum.mean())
        return choose_penalty(axes.basis, spectrum, targets)

    def _kept(self, available: int) -> int:
        if self.components is None:
            return available
        if self.components > available:
            raise DataError(f"cca: {self.components} components of a base that has {available}; ask for at most that")
        return self.components


def _whitening(axes: Axes, penalty: float) -> np.ndarray:
    return 1 / np.sqrt(np.square(axes.values) + penalty)
