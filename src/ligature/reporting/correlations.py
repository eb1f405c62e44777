"""How metrics of similarity follow the probe's retrieval: look-up in the table that the pairs stage makes."""

import math
import re

import pandas as pd

from ligature.reporting.text import metric_label

METRICS = ("cka_debiased", "cka_biased", "cka_rbf", "mutual_knn")
LOSS = "probe_loss"
RECALL = re.compile(r"probe_(?:mean_recall|(?:i2t|t2i)_recall@(\d+))")


def recall_columns(pairs: pd.DataFrame) -> list[str]:
    """Returns the columns of the probe's recall at the smallest k that have values, image to text first."""
    return _smallest_k([column for column in pairs if "@" in column and pairs[column].notna().any()])


def recall_targets(pairs: pd.DataFrame, correlations: pd.DataFrame) -> list[str]:
    """Returns the recall columns that similarity was correlated with: the mean recall, else those of smallest k."""
    targets = set(correlations["target"])
    return _smallest_k([column for column in pairs if column in targets and pairs[column].notna().any()])


def _smallest_k(columns: list[str]) -> list[str]:
    ks = {column: int(match[1] or 0) for column in columns if (match := RECALL.fullmatch(column))}
    return sorted(column for column, k in ks.items() if k == min(ks.values()))


def recall_name(targets: list[str]) -> str:
    """Returns what ``recall_targets`` hold, for example ``R@1`` or ``mean recall``."""
    return metric_label(targets[0].removeprefix("probe_i2t_").removeprefix("probe_t2i_"))


def correlation_row(correlations: pd.DataFrame, dataset: str, metric: str, target: str) -> pd.Series | None:
    """Returns the row of one correlation, or None where it was not asked for."""
    keys = {"dataset": dataset, "metric": metric, "target": target}
    rows = correlations[(correlations[list(keys)] == keys).all(axis=1)]
    return None if rows.empty else rows.iloc[0]


def spearman(correlations: pd.DataFrame, dataset: str, metric: str, target: str) -> float | None:
    """Returns Spearman's rank correlation, or None where there is none."""
    row = correlation_row(correlations, dataset, metric, target)
    return None if row is None or pd.isna(row["spearman"]) else float(row["spearman"])


def shows(rank_correlation: float, n: int) -> bool:
    """Whether a rank correlation of ``n`` pairs differs from zero at the 5 % level.

    Fisher's transform with the variance 1.06 / (n - 3) for Spearman's coefficient (Fieller, Hartley and Pearson
    1957). Pairs that share an encoder are not independent, so this is a floor for claims and no proof.
    """
    if n < 5:
        return False
    return math.atanh(min(abs(rank_correlation), 1 - 1e-12)) * math.sqrt((n - 3) / 1.06) > 1.96
