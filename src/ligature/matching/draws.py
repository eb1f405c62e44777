"""Mean and interval of a result over draws of the base crossed with draws of the queries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import DataError
from ligature.intervals import wilson_interval

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over draws with its 95 % interval.

    Attributes:
        mean: mean of all values.
        low: lower end; NaN where a single value says nothing about its error.
        high: upper end; NaN as ``low``.
        sd: standard deviation of the values among themselves, NaN for a single one.
    """

    mean: float
    low: float
    high: float
    sd: float


def crossed_interval(values: ArrayLike, n: int, *, share: bool = True) -> Interval:
    """Returns the mean over all draws and a 95 % t interval for it.

    Draws of the base and of the queries are crossed random effects: a value is a constant plus what its base draw, its
    query draw and their combination add. The variance of the mean is estimated by the analysis of variance (Searle,
    Casella and McCulloch, Variance Components, 1992), so further draws of the queries cannot average away what the
    draw of the base adds, as they would if k * s values passed for independent. Degrees of freedom are Satterthwaite's
    (1946), and not fewer than the factor with fewer draws has: truncated components may push them below. Over three by
    three draws the interval then holds in 95 to 100 % of cases, whichever component is the largest.

    Where only one factor was drawn more than once, its draws are independent and the other one is taken as fixed. A
    share without any variation (one value, or all of them equal) gets Wilson's interval of n queries. The interval
    speaks of further draws from the same pools, not of other data sets.

    Args:
        values: [k base draws, s query draws].
        n: queries of a draw, of which every share was counted.
        share: whether values are shares of queries; then the interval of values in [0, 1] is cut to [0, 1].

    Raises:
        DataError: no matrix of values, one that is not finite, or n below one.
    """
    cells = _check(values, n)
    bounded = share and bool(((cells >= 0) & (cells <= 1)).all())
    mean, varied = float(cells.mean()), bool((cells != cells[0, 0]).any())
    sd = float(cells.std(ddof=1)) if cells.size > 1 else float("nan")
    if varied:
        low, high = _t_interval(cells)
    elif bounded:
        low, high = wilson_interval(mean, n)
    else:
        low, high = (mean, mean) if cells.size > 1 else (float("nan"), float("nan"))
    if bounded:
        low, high = max(0.0, low), min(1.0, high)
    return Interval(mean, low, high, sd)


def _t_interval(cells: np.ndarray) -> tuple[float, float]:
    from scipy.stats import t

    variance, freedom = _variance_of_mean(cells)
    half = t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance)
    return float(cells.mean() - half), float(cells.mean() + half)


def _variance_of_mean(cells: np.ndarray) -> tuple[float, float]:
    """Returns the variance of the mean and its degrees of freedom.

    The mean squares of base, query and residual expect e + s b, e + k q and e, where b, q and e are the components;
    the variance of the mean is b / k + q / s + e / (k s). Negative b and q are set to zero.
    """
    k, s = cells.shape
    if min(k, s) == 1:
        return float(cells.var(ddof=1)) / cells.size, cells.size - 1
    base, query = cells.mean(axis=1, keepdims=True), cells.mean(axis=0, keepdims=True)
    freedom = np.array([k - 1, s - 1, (k - 1) * (s - 1)])
    residual = ((cells - base - query + cells.mean()) ** 2).sum() / freedom[2]
    squares = np.array([max(s * base.var(ddof=1), residual), max(k * query.var(ddof=1), residual), residual])
    total = squares[0] + squares[1] - residual
    satterthwaite = total**2 / (squares**2 / freedom).sum()
    return float(total / cells.size), float(max(satterthwaite, min(k, s) - 1))


def _check(values: ArrayLike, n: int) -> np.ndarray:
    cells = np.asarray(values, dtype=np.float64)
    if cells.ndim != 2 or not cells.size:
        raise DataError(f"draws: values of shape {cells.shape}; give a matrix [base draws, query draws]")
    if not np.isfinite(cells).all():
        base, query = np.argwhere(~np.isfinite(cells))[0]
        raise DataError(f"draws: the value of base draw {base} and query draw {query} is not finite; run it again")
    if n < 1:
        raise DataError(f"draws: {n} queries in a draw; there must be at least one")
    return cells
