"""Rows of unit length."""

import numpy as np

from ligature.errors import DataError

BLOCK_ROWS = 4096


def unit_rows(features: np.ndarray, name: str) -> np.ndarray:
    """Returns the rows at unit length, computed in float64.

    Args:
        features: [n, d] of any real dtype.
        name: what the rows are, for the error message.

    Returns:
        [n, d] float32.

    Raises:
        DataError: not a matrix, or a row that is zero or not finite.
    """
    if features.ndim != 2:
        raise DataError(f"{name}: expected a matrix of rows, got shape {features.shape}")
    rows = np.empty(features.shape, dtype=np.float32)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = np.asarray(features[start : start + BLOCK_ROWS], dtype=np.float64)
        norms = np.linalg.norm(block, axis=1, keepdims=True)
        wrong = np.flatnonzero(~(np.isfinite(norms[:, 0]) & (norms[:, 0] > 0)))
        if len(wrong):
            raise DataError(f"{name}: row {start + wrong[0]} is zero or not finite; embed it again or leave it out")
        rows[start : start + BLOCK_ROWS] = block / norms
    return rows
