"""Kernels between items and the anchors of one side: linear, RBF of a fixed bandwidth, or the user's own."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from ligature.errors import DataError

KernelFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]

BLOCK = 1 << 18
NEAR = 1e-3
OWN_ROWS = 64


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yields consecutive slices of rows, so that a block of ``width`` numbers a row is about two mebibytes."""
    size = max(1, BLOCK // width)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def squared_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns squared Euclidean distances [n, p] between the rows of ``left`` [n, d] and ``right`` [p, d].

    They come from one product, |a|^2 + |b|^2 - 2 ab around the mean of ``right``. Where no more than ``NEAR`` of
    |a|^2 + |b|^2 is left, digits were lost, and the sum of squared differences replaces it. So equal rows are at a
    distance of exactly zero, no others are (within the range of float64), and all keep about twelve digits. What is too
    large for float64 is NaN.

    Args:
        left: [n, d] float64.
        right: [p, d] float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean = right.mean(axis=0)
        a, b = left - mean, right - mean
        norms = _squared_norms(a)[:, None] + _squared_norms(b)
        distances = norms - 2 * (a @ b.T)
    distances[np.isinf(distances)] = np.nan
    rows, columns = np.nonzero(distances <= NEAR * norms)
    for block in row_blocks(len(rows), left.shape[1]):
        near = rows[block], columns[block]
        distances[near] = _squared_norms(left[near[0]] - right[near[1]])
    return distances


def _squared_norms(rows: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", rows, rows)


class BaseKernel(Protocol):
    """A kernel whose one argument is an anchor."""

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Returns the kernel of items [n, d] with all m anchors, [n, m]."""

    def own(self, features: np.ndarray) -> np.ndarray:
        """Returns the kernel of every item with itself, [n]."""


class LinearKernel:
    """The dot product around the mean of the anchors; centring a Gram matrix removes the choice of the origin."""

    def __init__(self, base: np.ndarray) -> None:
        """Takes the anchors [m, d]."""
        self.mean = base.mean(axis=0)
        self.anchors = base - self.mean

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Returns the kernel of items [n, d] with all m anchors, [n, m]."""
        return (features - self.mean) @ self.anchors.T

    def own(self, features: np.ndarray) -> np.ndarray:
        """Returns the kernel of every item with itself, [n]."""
        return _squared_norms(features - self.mean)


class RbfKernel:
    """exp(-|a - b|^2 / (2 bandwidth)) with one bandwidth, in units of squared distance, for all items."""

    def __init__(self, base: np.ndarray, bandwidth: float) -> None:
        """Takes the anchors [m, d] and the bandwidth."""
        self.base, self.bandwidth = base, bandwidth

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Returns the kernel of items [n, d] with all m anchors, [n, m]."""
        return np.exp(squared_distances(features, self.base) / (-2 * self.bandwidth))

    def own(self, features: np.ndarray) -> np.ndarray:
        """Returns the kernel of every item with itself, [n]."""
        return np.ones(len(features))


class CallableKernel:
    """A function k(a [n, d], b [p, d]) -> [n, p], taken to be symmetric, positive semidefinite and row by row.

    The kernel of an item with itself is the diagonal of k(block, block) in blocks of ``OWN_ROWS`` items.
    """

    def __init__(self, base: np.ndarray, function: KernelFunction, side: str) -> None:
        """Takes the anchors [m, d], the function, and the side's name for messages."""
        self.base, self.function, self.side = base, function, side

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Returns the kernel of items [n, d] with all m anchors, [n, m].

        Raises:
            DataError: the function returns another shape.
        """
        return self._values(features, self.base)

    def own(self, features: np.ndarray) -> np.ndarray:
        """Returns the kernel of every item with itself, [n].

        Raises:
            DataError: the function returns another shape.
        """
        blocks = (features[start : start + OWN_ROWS] for start in range(0, len(features), OWN_ROWS))
        return np.concatenate([self._values(block, block).diagonal() for block in blocks])

    def _values(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        values, shape = np.asarray(self.function(left, right), dtype=np.float64), (len(left), len(right))
        if values.shape != shape:
            raise DataError(f"{self.side}: the kernel returned shape {values.shape} for {shape[0]} x {shape[1]} items")
        return values
