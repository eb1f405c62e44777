"""Whether a similarity measure predicts what a pair reaches after training: correlations over pairs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ligature.errors import DataError

FEWEST_PAIRS = 3


def metric_correlations(
    table: pd.DataFrame,
    metrics: Sequence[str],
    target: str,
    *,
    draws: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Returns how each of ``metrics`` goes with ``target`` over the rows of ``table``, one row a pair of encoders.

    The columns are metric, pearson, spearman, spearman_low, spearman_high, kendall (tau-b) and n. Rows where either
    value is missing are left out; with fewer than three, or no variation, the values are NaN. The interval resamples
    rows and takes percentiles; pairs that share an encoder are not independent, so it is narrower than it should be.

    Raises:
        DataError: if ``table`` lacks a named column.
    """
    missing = [name for name in (*metrics, target) if name not in table.columns]
    if missing:
        raise DataError(f"the table of pairs has no column {missing[0]!r}; it has {', '.join(table.columns)}")
    return pd.DataFrame(
        [{"metric": name} | _correlations(table[[name, target]], draws, confidence, seed) for name in metrics]
    )


def _correlations(columns: pd.DataFrame, draws: int, confidence: float, seed: int) -> dict[str, float]:
    x, y = columns.astype(float).replace([np.inf, -np.inf], np.nan).dropna().to_numpy().T
    names = ("pearson", "spearman", "spearman_low", "spearman_high", "kendall")
    if len(x) < FEWEST_PAIRS:
        return dict.fromkeys(names, float("nan")) | {"n": len(x)}
    low, high = _spearman_interval(x, y, draws, confidence, seed)
    values = (_pearson(x, y), _spearman(x, y), low, high, _kendall(x, y))
    return dict(zip(names, map(float, values), strict=True)) | {"n": len(x)}


def _pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns correlations along the last axis, NaN where a side is constant."""
    x, y = (values - values.mean(axis=-1, keepdims=True) for values in (x, y))
    scale = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return (x * y).sum(axis=-1) / np.where(scale > 0, scale, np.nan)


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return _pearson(rankdata(x, axis=-1), rankdata(y, axis=-1))


def _kendall(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.stats import kendalltau

    return kendalltau(x, y).statistic


def _spearman_interval(x: np.ndarray, y: np.ndarray, draws: int, confidence: float, seed: int) -> tuple[float, float]:
    chosen = np.random.default_rng(seed).integers(len(x), size=(draws, len(x)))
    values = _spearman(x[chosen], y[chosen])
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return float("nan"), float("nan")
    return tuple(np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2]))
