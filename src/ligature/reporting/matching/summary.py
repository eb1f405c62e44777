"""Matching as plain text for a terminal."""

import pandas as pd

from ligature.reporting.matching.rows import (
    AXES,
    SHARES,
    at_reference,
    described,
    interval_cell,
    method_label,
    method_rank,
    share_rows,
)
from ligature.reporting.summary import aligned
from ligature.reporting.text import NOTHING, bounded, metric_label, percent


def matching_summary(results: pd.DataFrame) -> str:
    """Returns the first experiment at its first setting as plain text: a row a method, chance last, in %.

    Args:
        results: rows of matching; without any, the text is empty.
    """
    rows = share_rows(results)
    rows = at_reference(rows[rows["post"] == ""], AXES)
    if rows.empty:
        return ""
    metrics = [metric for metric in SHARES if (rows["metric"] == metric).any()]
    lines = [("matching without training", *(f"{metric_label(metric)}, %" for metric in metrics))]
    for model in sorted(dict.fromkeys(rows["model"]), key=method_rank):
        cells = rows[rows["model"] == model].set_index("metric")
        lines.append((method_label(model), *(_cell(cells, metric) for metric in metrics)))
    chance = rows.groupby("metric")["chance"].first()
    lines.append(("chance", *(percent(chance[metric]) for metric in metrics)))
    return aligned(lines, numbers_from=1) + f"{bounded(rows['experiment'].iloc[0])}: {described(rows)}\n"


def _cell(cells: pd.DataFrame, metric: str) -> str:
    if metric not in cells.index:
        return NOTHING
    row = cells.loc[metric]
    return interval_cell(row["value"], row["low"], row["high"])
