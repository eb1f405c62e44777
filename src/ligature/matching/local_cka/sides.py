"""One side of local CKA: the Gram matrices of its anchors, and what an item adds to them."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from ligature.matching.bandwidth import MedianWindow
from ligature.matching.kernels import BaseKernel, row_blocks, squared_distances
from ligature.matching.local_cka.nodes import BandwidthNodes, node_count


class Items(NamedTuple):
    """What n items add to a Gram matrix.

    Attributes:
        weights: [n, r] of the side's Gram matrices, whose weighted sum is the Gram matrix of the anchors for this item.
        rows: [n, m] kernel with the anchors.
        own: [n] kernel with itself.
    """

    weights: np.ndarray
    rows: np.ndarray
    own: np.ndarray


class Side(ABC):
    """The anchors of one side.

    Attributes:
        size: number m of anchors.
        count: number r of Gram matrices.
        name: ``x`` or ``y``, for messages.
    """

    size: int
    count: int
    name: str

    @abstractmethod
    def grams(self, rows: slice) -> np.ndarray:
        """Returns some rows of every Gram matrix of the anchors, [r, rows, m]."""

    @abstractmethod
    def items(self, features: np.ndarray) -> Items:
        """Returns what items [n, d] add."""

    def means(self) -> np.ndarray:
        """Returns the mean of every row of every Gram matrix, [r, m]."""
        blocks = row_blocks(self.size, self.size * self.count)
        return np.concatenate([self.grams(rows).mean(axis=2) for rows in blocks], axis=1)


class SingleGram(Side):
    """A kernel that is the same for all items, so that one Gram matrix is enough."""

    def __init__(self, base: np.ndarray, kernel: BaseKernel, name: str) -> None:
        """Takes the anchors [m, d], a kernel with them, and the side's name, ``x`` or ``y``."""
        self.size, self.count, self.name = len(base), 1, name
        self._kernel, self._gram = kernel, kernel.rows(base)

    def grams(self, rows: slice) -> np.ndarray:
        """Returns some rows of the Gram matrix of the anchors, [1, rows, m]."""
        return self._gram[None, rows]

    def items(self, features: np.ndarray) -> Items:
        """Returns what items [n, d] add."""
        return Items(np.ones((len(features), 1)), self._kernel.rows(features), self._kernel.own(features))


class MedianRbf(Side):
    """The RBF kernel whose bandwidth is the median of the anchors and the item, so that every item has its own.

    Attributes:
        needed: nodes that interpolation over the bandwidth needs, or None where the bandwidth has no bounds.
        distances: [m, m] squared distances between the anchors.
    """

    def __init__(self, base: np.ndarray, name: str) -> None:
        """Takes the anchors [m, d] and the side's name, ``x`` or ``y``."""
        self.size, self.count, self.name = len(base), 0, name
        self.distances = squared_distances(base, base)
        self._base, self._window = base, MedianWindow(self.distances, f"base_{name}")
        lowest, highest = self._window.values[[0, -1]]
        self.needed = node_count(lowest, highest) if self._window.closed else None

    def place_nodes(self, count: int) -> None:
        """Places ``count`` nodes over the interval of all possible bandwidths."""
        self.count, self._nodes = count, BandwidthNodes(*self._window.values[[0, -1]], count)

    def grams(self, rows: slice) -> np.ndarray:
        """Returns some rows of the Gram matrix of the anchors at every node, [r, rows, m]."""
        return np.exp(self.distances[rows] / (-2 * self._nodes.values[:, None, None]))

    def rows(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the kernel of items [n, d] with the anchors, [n, m], and their bandwidths, [n]."""
        distances = squared_distances(features, self._base)
        bandwidths = self._window.bandwidths(distances)
        return np.exp(distances / (-2 * bandwidths[:, None])), bandwidths

    def items(self, features: np.ndarray) -> Items:
        """Returns what items [n, d] add."""
        rows, bandwidths = self.rows(features)
        return Items(self._nodes.weights(bandwidths), rows, np.ones(len(features)))
