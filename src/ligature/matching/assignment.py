"""One-to-one matching of queries to candidates by a score matrix, and the share that came out right."""

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import DataError
from ligature.matching.inputs import check_features, check_one_to_one


def assign(scores: ArrayLike) -> np.ndarray:
    """Returns the assignment of the largest sum of scores, in which no candidate is given twice (Hungarian method).

    Exact: ``scipy.optimize.linear_sum_assignment`` (Crouse, 2016). Where several assignments have the same sum, the
    one it returns depends on the order of the candidates: a constant matrix gives query i candidate i. So whoever
    measures accuracy must not let true candidates stand on the diagonal.

    Args:
        scores: [q, p] with q <= p, higher is better.

    Returns:
        [q] int64, the candidate of every query.

    Raises:
        DataError: more queries than candidates, no scores, or a score that is not finite.
    """
    from scipy.optimize import linear_sum_assignment

    values = check_features(scores, "scores")
    check_one_to_one(*values.shape)
    return linear_sum_assignment(values, maximize=True)[1].astype(np.int64)


def matching_accuracy(assignment: ArrayLike, truth: ArrayLike) -> float:
    """Returns the share of queries that were matched to their true candidate.

    Args:
        assignment: [q] candidate of every query.
        truth: [q] true candidate of every query.

    Raises:
        DataError: the two are no vectors of the same length, or are empty.
    """
    matched, true = np.asarray(assignment), np.asarray(truth)
    if matched.ndim != 1 or matched.shape != true.shape or not matched.size:
        raise DataError(f"matching_accuracy: assignment {matched.shape}, truth {true.shape}; give one entry a query")
    return float((matched == true).mean())
