"""Long texts: retrieval by descriptions cut to their first words, as a table and as sentences."""

import pandas as pd

from ligature.reporting.aggregate import with_chance
from ligature.reporting.outcome_readings import compared, headlines_of
from ligature.reporting.result_tables import measured_table
from ligature.reporting.table import Table
from ligature.reporting.text import PERCENT, bounded, metric_label, percent

TASK = "long text retrieval"
WHOLE = "all"
CLIP_WORDS = 64
"""Words that fit CLIP's text encoder of 77 tokens, about."""
VERDICTS = {
    "above": "beats",
    "below": "is worse than",
    "level": "is not distinguishable from",
}


def length_measures(results: pd.DataFrame) -> pd.DataFrame:
    """Returns recall by length, the shortest first and the whole text last; ``words`` is NaN for the whole text."""
    rows = with_chance(results)
    words = pd.to_numeric(rows["variant"], errors="coerce")
    rows = rows.assign(words=words)[(rows["task"] == TASK) & ((words >= 1) | (rows["variant"] == WHOLE))]
    return rows.sort_values("words", kind="stable", na_position="last", ignore_index=True)


def length_table(measures: pd.DataFrame) -> Table:
    """Returns a row a data set, model and number of words, and a column a metric."""
    caption = "Retrieval with the first words of a description, and with all of it; fractions in %."
    keys = ["dataset", "protocol", "variant", "model"]
    return measured_table("long-texts", caption, measures, keys, ["data set", "protocol", "words", "model"])


def length_readings(measures: pd.DataFrame) -> list[str]:
    """Says whether the whole text beats the longest cut of at most ``CLIP_WORDS`` words, by R@1 in every direction."""
    rows = headlines_of(measures)
    several = rows["model"].nunique() > 1
    readings = []
    for (dataset, model, metric), group in rows.groupby(["dataset", "model", "metric"], sort=False):
        whole, cuts = group[group["variant"] == WHOLE], group[group["words"] <= CLIP_WORDS]
        if len(whole) and len(cuts):
            name = f"{bounded(dataset)}, {bounded(model)}" if several else bounded(dataset)
            readings.append(f"{name}, {metric_label(metric)}: {_reading(whole.iloc[0], cuts.iloc[-1])}")
    return readings


def _reading(whole: pd.Series, cut: pd.Series) -> str:
    verdict = VERDICTS[compared(whole["value"], whole["n"], cut["value"], cut["n"])]
    values = f"{percent(whole['value'], PERCENT)} against {percent(cut['value'], PERCENT)}"
    first = "first word" if cut["words"] == 1 else f"first {cut['words']:.0f} words"
    return f"the whole text {verdict} its {first} ({values}; two binomial standard errors)."
