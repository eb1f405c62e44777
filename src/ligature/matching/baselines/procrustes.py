"""An orthogonal map between the sides."""

import numpy as np

from ligature.matching.baselines.vectors import centred_base, unit_rows
from ligature.matching.matcher import Matcher


class Procrustes(Matcher):
    """Scores a pair by the cosine after the rotation that brings the centred sides of the base closest together.

    With the cross-covariance X'Y = U S V' of the centred base, the map is U V' (Schönemann, 1966), so x U and y V are
    compared. Scale changes neither the map nor a cosine, so none is fitted. Sides of unequal width are both brought to
    min(d_x, d_y) dimensions by U and V. Directions with a singular value of rounding, which are all but m - 1 where the
    base is smaller than the dimensions, are left out: the base says nothing of them, and their pairing would be
    arbitrary. O(m^2 d) for m anchors.

    Attributes:
        dimensions_: directions kept, at most min(m - 1, d_x, d_y).
    """

    dimensions_: int

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self._mean_x, rows_x = centred_base(x, "base_x")
        self._mean_y, rows_y = centred_base(y, "base_y")
        frame_x, inner_x = np.linalg.qr(rows_x.T)
        frame_y, inner_y = np.linalg.qr(rows_y.T)
        left, values, right = np.linalg.svd(inner_x @ inner_y.T, full_matrices=False)
        rounding = max(x.shape + y.shape) * np.finfo(np.float64).eps
        kept = values > np.linalg.norm(inner_x) * np.linalg.norm(inner_y) * rounding
        self._map_x, self._map_y = frame_x @ left[:, kept], frame_y @ right[kept].T
        self.dimensions_ = int(kept.sum())

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return unit_rows((x - self._mean_x) @ self._map_x)

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return unit_rows((y - self._mean_y) @ self._map_y)
