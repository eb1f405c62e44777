"""The feature vectors whose dot product is local CKA, from what items add to the Gram matrices of the anchors."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from ligature.errors import DataError
from ligature.matching.kernels import row_blocks
from ligature.matching.local_cka.sides import MedianRbf, Side

SMALLEST = 1e-150


def unit_features(scatter: np.ndarray, rows: np.ndarray, means: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Returns the vectors of n items, [n, k + m + 1], of unit length, or NaN where their length is beyond float64.

    Appending an item to m anchors adds a matrix of rank one to their centred cross-scatter, whence
    HSIC_ij = <H B_i H, H E_j H> + 2 a kappa_i . lambda_j + a^2 alpha_i beta_j with a = m / (m + 1),
    kappa = H (k - B 1 / m) and alpha = k(x, x) - 2 mean(k) + mean(B): a dot product of two vectors.

    Args:
        scatter: [n, k] coordinates of H B_i H in a space that both sides share.
        rows: [n, m] kernel of the items with the anchors.
        means: [n, m] row means of the Gram matrix B_i of the anchors.
        own: [n] kernel of every item with itself.
    """
    size = rows.shape[1]
    a = size / (size + 1)
    kappa = rows - means
    kappa -= kappa.mean(axis=1, keepdims=True)
    alpha = own - 2 * rows.mean(axis=1) + means.mean(axis=1)
    features = np.concatenate([scatter, math.sqrt(2 * a) * kappa, a * alpha[:, None]], axis=1)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    features /= np.where(np.isfinite(lengths), lengths, np.nan)
    return features


class Embedding(ABC):
    """Turns items of one side into feature vectors, block by block, so that only the result grows with their number."""

    def __init__(self, side: Side, scatter: int, numbers: int) -> None:
        """Takes a side, the width of ``scatter``, and how many numbers one item occupies on the way."""
        self._side, self._width, self._numbers = side, scatter + side.size + 1, numbers

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Returns the vectors of items [n, d], [n, k + m + 1], of unit length.

        Raises:
            DataError: kernel values of an item are not finite, or their squares overflow.
        """
        result = np.empty((len(features), self._width))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for rows in row_blocks(len(features), self._numbers):
                result[rows] = self._block(features[rows])
        if not np.isfinite(result).all():
            row = int(np.flatnonzero(~np.isfinite(result).all(axis=1))[0])
            raise DataError(
                f"{self._side.name}: the kernel of row {row} is not finite, or overflows; rescale the features"
            )
        return result

    @abstractmethod
    def _block(self, features: np.ndarray) -> np.ndarray:
        """Returns the vectors of a block of items."""


class JointEmbedding(Embedding):
    """Items whose Gram matrix is a weighted sum of a few: the same sum of the columns of a small factor locates it."""

    def __init__(self, side: Side, means: np.ndarray, factor: np.ndarray) -> None:
        """Takes a side, row means [r, m] of its Gram matrices, and their coordinates [k, r] once centred."""
        super().__init__(side, len(factor), side.size)
        self._means, self._factor = means, factor

    def _block(self, features: np.ndarray) -> np.ndarray:
        weights, rows, own = self._side.items(features)
        return unit_features(weights @ self._factor.T, rows, weights @ self._means, own)


class ExplicitEmbedding(Embedding):
    """Items with a Gram matrix each, whose coordinates are its upper triangle, off-diagonal entries times sqrt(2)."""

    _side: MedianRbf

    def __init__(self, side: MedianRbf) -> None:
        """Takes a side; no nodes need be placed."""
        super().__init__(side, side.size * (side.size + 1) // 2, side.size**2)
        self._upper = np.triu_indices(side.size)
        self._scale = np.where(self._upper[0] == self._upper[1], 1, math.sqrt(2))

    def _block(self, features: np.ndarray) -> np.ndarray:
        rows, bandwidths = self._side.rows(features)
        grams = np.exp(self._side.distances / (-2 * bandwidths[:, None, None]))
        means = grams.mean(axis=2)
        scatter = centred(grams, means, slice(None))[:, *self._upper] * self._scale
        return unit_features(scatter, rows, means, np.ones(len(features)))


def joint_embeddings(sides: Sequence[Side]) -> list[JointEmbedding]:
    """Returns the embeddings of two sides into one space: coordinates come from one QR factorisation of all Grams.

    Raises:
        DataError: the kernel is the same for all anchors of a side, not finite, or its squares leave float64.
    """
    means = [side.means() for side in sides]
    factor = _joint_factor(sides, means)
    factors = np.split(factor, [sides[0].count], axis=1)
    for side, mean, own in zip(sides, means, factors, strict=True):
        rounding = 16 * side.size * np.finfo(np.float64).eps * np.abs(mean).max()
        norms = np.linalg.norm(own, axis=0)
        if not ((norms > max(rounding, SMALLEST)) & (norms < np.inf)).all():
            raise DataError(
                f"base_{side.name}: the kernel is not finite or tells no anchors apart; rescale the features"
            )
    return [JointEmbedding(*parts) for parts in zip(sides, means, factors, strict=True)]


def _joint_factor(sides: Sequence[Side], means: Sequence[np.ndarray]) -> np.ndarray:
    """Returns R [k, r_x + r_y] of the QR factorisation of all centred Grams, one a column, row block by row block."""
    size, count = sides[0].size, sum(side.count for side in sides)
    factor = np.empty((0, count))
    for rows in row_blocks(size, size * count):
        grams = [centred(side.grams(rows), mean, rows) for side, mean in zip(sides, means, strict=True)]
        columns = np.concatenate(grams).reshape(count, -1).T
        factor = np.linalg.qr(np.concatenate([factor, columns]), mode="r")
    return factor


def centred(grams: np.ndarray, means: np.ndarray, rows: slice) -> np.ndarray:
    """Returns rows of doubly centred Gram matrices.

    Args:
        grams: [r, rows, m] those rows of r symmetric matrices.
        means: [r, m] means of all their rows.
        rows: which rows they are.
    """
    return grams - means[:, rows, None] - means[:, None, :] + means.mean(axis=1)[:, None, None]
