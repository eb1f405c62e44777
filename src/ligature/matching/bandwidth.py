"""The median bandwidth of the anchors and one item more, for many items at once."""

import numpy as np

from ligature.errors import DataError


class MedianWindow:
    """Those distances among which the median lies, whichever item joins the anchors.

    The bandwidth is the lower median of the non-zero squared distances (Maniparambil et al., 2024, arXiv 2401.05224).
    One item adds k <= m of them to the U of the base: the rank moves to (U + k - 1) // 2, and at most k below it are
    new. So at most m + 1 of the sorted distances of the base matter, and to merge those with its own m costs an item
    O(m log m).

    Attributes:
        base: the lower median over the base alone.
        closed: whether the median of every possible item lies between the first and the last value of the window. It is
            open with three anchors, or where almost all are copies of each other.
        values: [<= m + 1] the window, ascending.
    """

    def __init__(self, distances: np.ndarray, side: str) -> None:
        """Sorts the distances of the base.

        Args:
            distances: [m, m] squared distances between the anchors, exactly zero between equal ones.
            side: what they belong to, for messages.

        Raises:
            DataError: all distances are zero, or one is not finite.
        """
        size = len(distances)
        if not np.isfinite(distances).all():
            raise DataError(f"{side}: two anchors are too far apart for float64; scale the features down")
        pairs = distances[np.triu_indices(size, k=1)]
        ordered = np.sort(pairs[pairs > 0])
        if not ordered.size:
            raise DataError(f"{side}: no two anchors are far enough apart for float64; scale the features up")
        self._count = len(ordered)
        last = (self._count + size - 1) // 2
        self._first = max(last - size, 0)
        self.base = float(ordered[(self._count - 1) // 2])
        self.closed = size <= last < self._count
        self.values = ordered[self._first : last + 1].copy()

    def bandwidths(self, distances: np.ndarray) -> np.ndarray:
        """Returns the lower median of the non-zero squared distances of the base and each item, [n].

        Args:
            distances: [n, m] squared distances of items to the anchors, exactly zero between equal ones.
        """
        ranks = (self._count + np.count_nonzero(distances, axis=1) - 1) // 2 - self._first
        window = np.broadcast_to(self.values, (len(distances), len(self.values)))
        merged = np.concatenate([window, np.where(distances > 0, distances, np.inf)], axis=1)
        merged.sort(axis=1)
        return np.take_along_axis(merged, ranks[:, None], axis=1)[:, 0]
