"""Pre-training as plain text for a terminal."""

import pandas as pd

from ligature.reporting.pretraining.runs import by_seed
from ligature.reporting.pretraining.sources import PretrainingInputs
from ligature.reporting.summary import aligned
from ligature.reporting.text import NOTHING, number, percent

COLUMNS = {
    "alignment": ("gap", ("alignment_score",)),
    "margin": ("gap", ("paired_margin",)),
    "centroid gap": ("gap", ("centroid_gap",)),
    "mean R@1, %": ("retrieval", ("i2t_recall@1", "t2i_recall@1")),
}
"""Columns, each the mean of some metrics of a task over data sets and seeds."""


def pretraining_summary(inputs: PretrainingInputs) -> str:
    """Returns a row a run: alignment score, margin, gap and R@1; empty without pre-training."""
    if inputs.runs.empty or inputs.results.empty:
        return ""
    means = {name: by_seed(inputs.results, *of).mean() for name, of in COLUMNS.items()}
    lines = [("pre-training", *COLUMNS)]
    for _, run in inputs.runs.iterrows():
        lines.append((run["label"], *(_cell(name, values, run) for name, values in means.items())))
    return aligned(lines, numbers_from=1)


def _cell(name: str, values: pd.Series, run: pd.Series) -> str:
    if run["run"] not in values:
        return NOTHING
    value = values[run["run"]]
    return percent(value) if name.endswith("%") else number(value)
