"""Centred Gram matrices of unit norm, whose inner product is CKA."""

from typing import Literal

import numpy as np

from ligature.errors import DataError
from ligature.matching.kernels import squared_distances

Kernel = Literal["rbf", "linear"]


def normalised_gram(rows: np.ndarray, kernel: Kernel, side: str) -> np.ndarray:
    """Returns H K H / sqrt(HSIC(K, K)) of the rows: centred, and of Frobenius norm one.

    The sum of the products of two of them is biased CKA (Kornblith et al., 2019, arXiv 1905.00414). The bandwidth of
    the RBF kernel exp(-|a - b|^2 / (2 s)) is the lower median of the non-zero squared distances (Maniparambil et al.,
    2024, arXiv 2401.05224).

    Args:
        rows: [n, d] float64, checked.
        kernel: ``rbf`` or ``linear``.
        side: what the rows are, for messages.

    Returns:
        [n, n] float64.

    Raises:
        DataError: the rows are too large or too close together for float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        centred = rows - rows.mean(axis=0)
        gram = _rbf(centred, side) if kernel == "rbf" else centred @ centred.T
        gram -= gram.mean(axis=0)
        gram -= gram.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(gram)
    if not (np.isfinite(norm) and norm > 0):
        raise DataError(f"{side}: the norm of the Gram matrix is {norm}; bring the features to a scale near one")
    gram /= norm
    return gram


def _rbf(rows: np.ndarray, side: str) -> np.ndarray:
    distances = squared_distances(rows, rows)
    pairs = distances[np.triu_indices(len(rows), k=1)]
    pairs = pairs[pairs > 0]
    if not pairs.size:
        raise DataError(f"{side}: no two rows are far enough apart for float64; bring the features to a scale near one")
    rank = (len(pairs) - 1) // 2
    distances /= -2 * np.partition(pairs, rank)[rank]
    return np.exp(distances, out=distances)
