"""Ranks of true candidates and the best candidates of a score matrix, exact, with no sort of whole rows."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import DataError
from ligature.matching.inputs import check_features

CELLS = 1 << 17
"""Scores of a block of rows: 1 MB, which stays in the cache while it is compared several times."""


def top_k(scores: ArrayLike, k: int) -> np.ndarray:
    """Returns the k candidates of highest score of every query, best first, equal scores by candidate index.

    A partial sort finds the k-th score of every row; only the candidates that reach it are sorted.

    Args:
        scores: [q, p], higher is better.
        k: candidates of a query, 1..p.

    Returns:
        [q, k] int64 candidate indices.

    Raises:
        DataError: k not in 1..p, no scores, or a score that is not finite.
    """
    values = check_features(scores, "scores")
    if not 1 <= k <= values.shape[1]:
        raise DataError(f"top_k: k = {k}, but there are {values.shape[1]} candidates; give a k of 1 to that many")
    return np.concatenate([_block_top_k(values[rows], k) for rows in _blocks(values)])


def ranks(scores: ArrayLike, truth: ArrayLike) -> np.ndarray:
    """Returns the 0-based rank of the true candidate of every query: 0 where it comes first.

    The rank is the number of strictly higher scores, and of equal ones at a lower index.

    Args:
        scores: [q, p], higher is better.
        truth: [q] index of the true candidate of every query.

    Returns:
        [q] int64, each 0..p - 1.

    Raises:
        DataError: a truth that is no candidate, not one truth a query, no scores, or a score that is not finite.
    """
    values = check_features(scores, "scores")
    true = _check_truth(truth, values)
    return np.concatenate([_block_ranks(values[rows], true[rows]) for rows in _blocks(values)])


def top_k_accuracy(scores: ArrayLike, truth: ArrayLike, ks: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
    """Returns the share of queries whose true candidate is among the k best, for every k.

    Args:
        scores: [q, p], higher is better.
        truth: [q] index of the true candidate of every query.
        ks: the k, each at least 1; those above p are left out.

    Returns:
        Fractions under the keys ``top1``, ``top5`` and so on.

    Raises:
        DataError: a k below one, or as ``ranks``.
    """
    for k in ks:
        if k < 1:
            raise DataError(f"top_k_accuracy: k = {k}; k counts candidates, give at least 1")
    places, candidates = ranks(scores, truth), np.shape(scores)[1]
    return {f"top{k}": float((places < k).mean()) for k in ks if k <= candidates}


def _blocks(values: np.ndarray) -> Iterator[slice]:
    step = max(1, CELLS // values.shape[1])
    return (slice(start, start + step) for start in range(0, len(values), step))


def _block_top_k(block: np.ndarray, k: int) -> np.ndarray:
    last = block.shape[1] - k
    lowest = np.partition(block, last, axis=1)[:, last, None]
    keep = block >= lowest
    tied = np.flatnonzero(np.count_nonzero(keep, axis=1) > k)
    above, equal = block[tied] > lowest[tied], block[tied] == lowest[tied]
    room = k - np.count_nonzero(above, axis=1)[:, None]
    keep[tied] = above | (equal & (equal.cumsum(axis=1) <= room))
    columns = np.nonzero(keep)[1].reshape(-1, k)
    order = np.argsort(-np.take_along_axis(block, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _block_ranks(block: np.ndarray, truth: np.ndarray) -> np.ndarray:
    own = np.take_along_axis(block, truth[:, None], axis=1)
    places = np.count_nonzero(block > own, axis=1)
    tied = np.flatnonzero(np.count_nonzero(block >= own, axis=1) > places + 1)
    before = np.arange(block.shape[1]) < truth[tied, None]
    places[tied] += np.count_nonzero((block[tied] == own[tied]) & before, axis=1)
    return places


def _check_truth(truth: ArrayLike, scores: np.ndarray) -> np.ndarray:
    values, (queries, candidates) = np.asarray(truth), scores.shape
    if values.shape != (queries,) or values.dtype.kind not in "iu":
        raise DataError(f"truth: {values.dtype} of shape {values.shape}; give one whole number for {queries} queries")
    wrong = np.flatnonzero((values < 0) | (values >= candidates))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(f"truth: row {row} is {values[row]}, but candidates are numbered 0 to {candidates - 1}")
    return values.astype(np.int64)
