"""How evenly rows are spread over concepts."""

import numpy as np
import pandas as pd


def gini(counts: pd.Series) -> float:
    """Returns the Gini coefficient of counts: 0 where all are equal, 1 - 1/n where one has all; NaN without rows."""
    ordered = np.sort(counts.to_numpy(dtype=float))
    n, total = len(ordered), ordered.sum()
    if total == 0:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def effective_concepts(counts: pd.Series) -> float:
    """Returns exp of the entropy of counts: the number of equally large concepts as diverse as these; NaN without rows.

    Hill's number of order one (Hill 1973).
    """
    present = counts[counts > 0].to_numpy(dtype=float)
    if not len(present):
        return float("nan")
    shares = present / present.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def reached(counts: pd.Series, asked: pd.Series) -> int:
    """Returns the number of concepts that have as many rows as were asked for."""
    return int((counts >= asked).sum())
