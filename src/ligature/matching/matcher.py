"""What every method that scores by a dot product shares: fit on the base, then score, rank and match."""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from ligature.matching.assignment import assign
from ligature.matching.inputs import check_base, check_width
from ligature.matching.ranking import top_k


class Matcher(ABC):
    """Learns from a paired base; then every item has one feature vector, and the score of two is their dot product.

    Attributes:
        width_x_: dimensions of x, once fitted.
        width_y_: dimensions of y, once fitted.
    """

    def fit(self, base_x: ArrayLike, base_y: ArrayLike) -> Self:
        """Learns from the base.

        Args:
            base_x: [m, d_x] features of the anchors on the side of x.
            base_y: [m, d_y] features of the same anchors on the side of y, row by row.

        Raises:
            DataError: the base is too small, unpaired, constant or not finite.
        """
        x, y = check_base(base_x, base_y)
        self.width_x_, self.width_y_ = x.shape[1], y.shape[1]
        self._fit(x, y)
        return self

    def transform_x(self, x: ArrayLike) -> np.ndarray:
        """Returns feature vectors of items on the side of x, [n, p] float64.

        Raises:
            DataError: another width than the base, no rows, or a value that is not finite.
        """
        return self._transform_x(check_width(x, self.width_x_, "x"))

    def transform_y(self, y: ArrayLike) -> np.ndarray:
        """Returns feature vectors of items on the side of y, [n, p] float64.

        Raises:
            DataError: another width than the base, no rows, or a value that is not finite.
        """
        return self._transform_y(check_width(y, self.width_y_, "y"))

    def score(self, query_x: ArrayLike, query_y: ArrayLike) -> np.ndarray:
        """Returns the scores of all pairs, [n_x, n_y]; higher is better."""
        return self.transform_x(query_x) @ self.transform_y(query_y).T

    def rank(self, query_x: ArrayLike, query_y: ArrayLike, k: int = 10) -> np.ndarray:
        """Returns the k best items of y for every item of x, best first, [n_x, k]."""
        return top_k(self.score(query_x, query_y), k)

    def match(self, query_x: ArrayLike, query_y: ArrayLike) -> np.ndarray:
        """Returns for every item of x the item of y it is matched to, one to one, so that the sum of scores is largest.

        Raises:
            DataError: there are more items of x than of y.
        """
        return assign(self.score(query_x, query_y))

    @abstractmethod
    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """Learns from checked float64 matrices."""

    @abstractmethod
    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        """Returns feature vectors of checked rows of x."""

    @abstractmethod
    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        """Returns feature vectors of checked rows of y."""
