"""Which pairs become the base: drawn at random, or the samples nearest to the centres of k-means."""

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import DataError
from ligature.matching.inputs import check_features

RUNS = 1
"""Runs of k-means: on 5000 features of 768 dimensions, ten take ten times as long for an inertia 0.1 % lower."""


def random_base(count: int, size: int, seed: int) -> np.ndarray:
    """Returns ``size`` distinct rows of ``count``, every subset equally likely, in ascending order as int64.

    They are the beginning of a permutation, so that of one seed a smaller base is part of a larger one.

    Raises:
        DataError: size not in 1..count.
    """
    _check_size(size, count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:size])


def cluster_base(features: ArrayLike, size: int, seed: int) -> np.ndarray:
    """Returns the rows nearest to the ``size`` centres of k-means, exactly ``size`` distinct ones in ascending order.

    Every centre takes its nearest row that is still free. Centres whose nearest row is nearest are served first: they
    have most to lose, while one that no row lies close to is represented about as well by the next. Distances are
    Euclidean throughout, of features as they come: put them to unit length before, if cosines are meant.

    The code published with the method clusters by Euclidean distance but takes the row of highest cosine, may take one
    row for two centres, and drops repeated rows, so that there are fewer anchors than asked for.

    Args:
        features: [n, d] of one side of the pool.
        size: number of rows wanted.
        seed: of the first centres. K-means (Lloyd, from k-means++ centres) runs once and on one thread, because the
            order in which threads add up changes the last digits, and with them the rows.

    Returns:
        [size] int64. Fewer distinct points than ``size`` give some of them more than once, as different rows.

    Raises:
        DataError: size not in 1..n, no features, or a value that is not finite.
    """
    values = check_features(features, "features")
    _check_size(size, len(values))
    distances = _distances_to_centres(values, size, seed)
    rows = np.empty(size, dtype=np.int64)
    for place, centre in enumerate(np.argsort(distances.min(axis=0), kind="stable")):
        rows[place] = distances[:, centre].argmin()
        distances[rows[place]] = np.inf
    return np.sort(rows)


def _distances_to_centres(values: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Returns Euclidean distances of all rows to all centres, [n, size]."""
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    state = int(np.random.default_rng(seed).integers(2**32))
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than centres: still enough rows
        return KMeans(size, n_init=RUNS, random_state=state).fit(values).transform(values)


def _check_size(size: int, count: int) -> None:
    if not 1 <= size <= count:
        raise DataError(f"base: {size} rows asked for, but there are {count}; ask for 1 to {count}")
