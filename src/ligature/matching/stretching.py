"""Stretching: every dimension divided by its standard deviation, so that none speaks louder than the others."""

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import DataError
from ligature.matching.inputs import check_features, check_width

CONSTANT = 1e-6
"""Deviations up to this share of the largest magnitude of a dimension are rounding of float32 features."""


def dimension_scales(rows: ArrayLike) -> np.ndarray:
    """Returns one over the unbiased standard deviation of every dimension.

    A dimension that is constant up to rounding gets 0: it drops out, where its inverse would be infinite or blow
    rounding errors up to the size of a signal.

    Args:
        rows: [n, d], at least two rows.

    Returns:
        [d] float64, finite.

    Raises:
        DataError: fewer than two rows, or a value that is not finite.
    """
    values = check_features(rows, "rows")
    if len(values) < 2:
        raise DataError("dimension_scales: one row has no deviation; give at least two")
    magnitude = np.abs(values).max(axis=0)
    magnitude[magnitude < np.finfo(np.float64).tiny] = 1.0
    relative = (values / magnitude).std(axis=0, ddof=1)
    relative[relative <= CONSTANT] = np.inf
    return 1 / relative / magnitude


def stretch(base: ArrayLike, query: ArrayLike, *, transductive: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Returns base and query with every dimension scaled by its deviation; nothing is centred.

    Args:
        base: [m, d] features of the anchors.
        query: [n, d] features of the queries, of the same encoder.
        transductive: measure deviations over base and query together. That is the published protocol; it looks at
            the queries, so even the base depends on which of them are given. Otherwise the base alone is measured, and
            a query is scaled in the same way whatever comes with it.

    Returns:
        [m, d] and [n, d] float64.

    Raises:
        DataError: different widths, a single row to measure, or a value that is not finite.
    """
    left = check_features(base, "base")
    right = check_width(query, left.shape[1], "query")
    scales = dimension_scales(np.concatenate([left, right]) if transductive else left)
    return left * scales, right * scales
