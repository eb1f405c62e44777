"""The plain cosine, for two encoders that share a space already."""

import numpy as np

from ligature.errors import DataError
from ligature.matching.baselines.vectors import unit_rows
from ligature.matching.matcher import Matcher


class Cosine(Matcher):
    """Scores a pair by the cosine of x and y as they are. Nothing is learnt; the base only says the widths."""

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        if self.width_x_ != self.width_y_:
            raise DataError(
                f"cosine: x has {self.width_x_} dimensions and y has {self.width_y_}; "
                "take encoders of one shared space, or a method that learns a map, such as ridge"
            )

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return unit_rows(x)

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return unit_rows(y)
