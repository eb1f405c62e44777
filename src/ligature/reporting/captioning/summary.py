"""Captioning as plain text for a terminal."""

import pandas as pd

from ligature.reporting.captioning.comparisons import Measure, values_of
from ligature.reporting.captioning.runs import pairs_label
from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.captioning.tables import SCORES
from ligature.reporting.summary import aligned
from ligature.reporting.text import number


def captioning_summary(inputs: CaptioningInputs) -> str:
    """Returns a row a run and number of pairs: its scores, means over data sets and seeds; empty without captioning."""
    if inputs.runs.empty or inputs.results.empty:
        return ""
    measures = [measure for measure in SCORES if (inputs.results["metric"] == measure.metric).any()]
    lines = [("captioning", "trained on", *(measure.label for measure in measures))]
    for _, run in inputs.runs.iterrows():
        cells = (_cell(inputs, measure, run) for measure in measures)
        lines.append((run["label"], pairs_label(run["pairs"]), *cells))
    return aligned(lines, numbers_from=2)


def _cell(inputs: CaptioningInputs, measure: Measure, run: pd.Series) -> str:
    return number(values_of(inputs.results, measure, run["run"], run["pairs"]).mean(), 1)
