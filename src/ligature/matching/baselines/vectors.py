"""What every baseline does to rows: length one, the mean of the base removed, principal axes."""

from typing import NamedTuple

import numpy as np

from ligature.errors import DataError

ROUNDING = 1e-10
"""Singular values below this share of the largest are rounding; the smallest penalty shrinks them to nothing anyway."""


class Axes(NamedTuple):
    """Principal axes of centred rows [m, d]: rows = basis @ diag(values) @ directions.T, with rounding left out."""

    basis: np.ndarray
    """[m, r] orthonormal; r is the rank, at most min(m - 1, d)."""
    values: np.ndarray
    """[r] singular values, all above zero, descending."""
    directions: np.ndarray
    """[d, r] orthonormal."""


def peak_rows(rows: np.ndarray) -> np.ndarray:
    """Returns rows [n, d] scaled so that the largest absolute value is one; a row of zeros stays as it is."""
    peaks = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    return np.divide(rows, peaks, out=np.zeros_like(rows), where=peaks > 0)


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Returns rows [n, d] scaled to length one, with no square that overflows; a row of zeros stays as it is."""
    scaled = peak_rows(rows)
    return scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1)


def centred_base(base: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean [d] of a base and its rows less that mean [m, d].

    The mean is subtracted twice: what the first time leaves is rounding of the size of the mean, not of the rows.

    Args:
        base: [m, d] float64.
        side: what it is, for messages.

    Raises:
        DataError: the sum of squares is zero or infinite in float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean = base.mean(axis=0)
        rows = base - mean
        rows -= rows.mean(axis=0)
        total = np.square(rows).sum()
    if not 0 < total < np.inf:
        raise DataError(f"{side}: its squares do not fit into float64; scale the features to about one")
    return mean, rows


def principal_axes(rows: np.ndarray) -> Axes:
    """Returns the principal axes of centred rows [m, d], in O(m d min(m, d))."""
    basis, values, directions = np.linalg.svd(rows, full_matrices=False)
    kept = values > values[0] * ROUNDING
    return Axes(basis[:, kept], values[kept], directions[kept].T)
