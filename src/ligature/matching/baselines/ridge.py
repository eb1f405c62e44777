"""Ridge regression from x to y, its penalty chosen by leave-one-out."""

import numpy as np

from ligature.matching.baselines.leave_one_out import choose_penalty
from ligature.matching.baselines.vectors import centred_base, principal_axes, unit_rows
from ligature.matching.matcher import Matcher


class Ridge(Matcher):
    """Scores a pair by the cosine of the prediction of y from x and y itself, both around the base mean of y.

    The regression has an intercept and minimises |Y - X W|^2 + penalty |W|^2 on centred sides. The penalty is that of
    the smallest exact leave-one-out error on the grid ``leave_one_out.PENALTIES``. One decomposition serves the whole
    grid, with more anchors than dimensions or fewer: O(m^2 d) for m anchors.

    Attributes:
        penalty_: the penalty chosen, in units of squared features of x summed over the base.
    """

    penalty_: float

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self._mean_x, rows_x = centred_base(x, "base_x")
        self._mean_y, rows_y = centred_base(y, "base_y")
        axes = principal_axes(rows_x)
        spectrum = np.square(axes.values)
        self.penalty_ = choose_penalty(axes.basis, spectrum, rows_y)
        shrinkage = axes.values / (spectrum + self.penalty_)
        self._map = axes.directions @ (shrinkage[:, None] * (axes.basis.T @ rows_y))

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return unit_rows((x - self._mean_x) @ self._map)

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return unit_rows(y - self._mean_y)
