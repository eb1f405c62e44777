"""Where a search begins: a guess of the user's, local CKA, or a random point near the barycentre."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import DataError
from ligature.matching.qap.grams import Kernel

StartFunction = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], ArrayLike]
"""From base_x [m, d_x], base_y [m, d_y], query_x [q, d_x] and query_y [p, d_y] to a start as ``check_start`` takes."""

SUM_ERROR = 1e-3
SWEEPS = 1000
SWEEP_ERROR = 1e-6


def check_start(start: ArrayLike, queries: int, candidates: int) -> np.ndarray:
    """Returns a start as int64 [queries], or as float64 [queries, candidates].

    Args:
        start: a matching, the candidate of every query; or a matrix that is not negative, whose rows sum to one and
            whose columns to no more than one (doubly stochastic, where both sides have the same size).
        queries: rows of x.
        candidates: rows of y.

    Raises:
        DataError: it is neither; the line says where it departs.
    """
    values = np.asarray(start)
    if values.ndim == 1:
        return _check_matching(values, queries, candidates)
    if values.shape != (queries, candidates):
        raise DataError(f"start: shape {values.shape}; give one of {queries} queries by {candidates} candidates")
    values = values.astype(np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise DataError("start: holds a value that is negative or not finite")
    for axis, name, error in ((1, "row", np.abs(values.sum(axis=1) - 1)), (0, "column", values.sum(axis=0) - 1)):
        if error.max() > SUM_ERROR:
            worst, total = int(error.argmax()), values.sum(axis=axis)[error.argmax()]
            raise DataError(f"start: {name} {worst} sums to {total:.4g}; rows must sum to one, columns to one at most")
    return values


def _check_matching(columns: np.ndarray, queries: int, candidates: int) -> np.ndarray:
    if len(columns) != queries or columns.dtype.kind not in "iu":
        raise DataError(
            f"start: {len(columns)} entries of {columns.dtype}; give one whole number for each of {queries}"
        )
    outside = np.flatnonzero((columns < 0) | (columns >= candidates))
    if outside.size:
        raise DataError(f"start: entry {outside[0]} is {columns[outside[0]]}; there are {candidates} candidates")
    if len(np.unique(columns)) < queries:
        raise DataError("start: a candidate stands twice; give every query one of its own")
    return columns.astype(np.int64)


def local_cka_start(
    base_x: np.ndarray, base_y: np.ndarray, query_x: np.ndarray, query_y: np.ndarray, *, kernel: Kernel = "rbf"
) -> np.ndarray:
    """Returns the assignment [q] of the largest sum of local CKA, from base [m, d] and queries [q, d], [p, d]."""
    from ligature.matching.assignment import assign
    from ligature.matching.local_cka import LocalCKA

    return assign(LocalCKA(kernel).fit(base_x, base_y).score(query_x, query_y))


def random_start(generator: np.random.Generator, queries: int, candidates: int) -> np.ndarray:
    """Returns [queries, candidates] half way between the barycentre and a random doubly stochastic matrix.

    The latter are uniform numbers brought to equal sums of columns and rows by turns (Sinkhorn and Knopp, 1967); rows
    then sum to one, columns to queries over candidates.
    """
    values, share = generator.uniform(size=(queries, candidates)), queries / candidates
    for _ in range(SWEEPS):
        values /= values.sum(axis=1, keepdims=True)
        columns = values.sum(axis=0)
        if np.abs(columns - share).max() < SWEEP_ERROR:
            break
        values *= share / columns
    values /= values.sum(axis=1, keepdims=True)
    return (values + 1 / candidates) / 2
