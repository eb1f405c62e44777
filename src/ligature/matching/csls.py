"""Cross-domain similarity local scaling: scores corrected for hubs, candidates that are near to everything."""

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import DataError
from ligature.matching.inputs import check_features


def csls(scores: ArrayLike, neighbours: int = 10) -> np.ndarray:
    """Returns ``2 s_ij - r_i - r_j``, with r the mean of the k highest scores of query i and of candidate j.

    A candidate with high scores for many queries is a hub, and loses what it has in common with them
    (Conneau et al., Word Translation Without Parallel Data, ICLR 2018). The correction is transductive: r_j looks at
    the whole batch of queries and r_i at the whole gallery, so the result of a query depends on which others it comes
    with. Say so beside the numbers. The sum of a one-to-one matching of a square matrix shifts by a constant, so the
    matching stays the same.

    Args:
        scores: [q, p], higher is better, usually cosines.
        neighbours: k.

    Returns:
        [q, p] corrected scores.

    Raises:
        DataError: k not in 1..min(q, p), no scores, or a score that is not finite.
    """
    values = check_features(scores, "scores")
    for size, side in zip(values.shape, ("queries", "candidates"), strict=True):
        if not 1 <= neighbours <= size:
            raise DataError(f"csls: {neighbours} neighbours among {size} {side}; give 1 to {size}, or more {side}")
    rows, columns = (_mean_of_best(values, neighbours, axis) for axis in (1, 0))
    return 2 * values - rows - columns


def _mean_of_best(values: np.ndarray, k: int, axis: int) -> np.ndarray:
    first = values.shape[axis] - k
    best = np.moveaxis(np.partition(values, first, axis=axis), axis, 0)[first:]
    return np.expand_dims(best.mean(axis=0), axis)
