"""Sentences about training and results, each computed from the tables."""

import math
from typing import Literal, NamedTuple

import pandas as pd

from ligature.reporting.aggregate import main_rows, with_chance
from ligature.reporting.text import PERCENT, bounded, is_fraction, metric_label, percent, plural
from ligature.reporting.training_figures import recall_columns


def training_readings(history: pd.DataFrame) -> list[str]:
    """Says how far the loss fell and whether validation recall held to the end."""
    loss = history["train_loss"].dropna()
    tenth = max(1, len(loss) // 10)
    first, last = loss.iloc[:tenth].median(), loss.iloc[-tenth:].median()
    moved = "fell" if last < first else "did not fall: it went"
    sentences = [
        f"The training loss {moved} from {first:.3g} to {last:.3g} in {plural(int(history['step'].max()), 'step')} "
        "(medians of the first and the last tenth)."
    ]
    columns = recall_columns(history)
    return sentences + ([_recall_sentence(history, columns)] if columns else [])


def _recall_sentence(history: pd.DataFrame, columns: list[str]) -> str:
    smallest = min(int(column.rpartition("@")[2]) for column in columns)
    chosen = [column for column in columns if column.endswith(f"@{smallest}")]
    rows = history.dropna(subset=chosen)
    mean = rows[chosen].mean(axis=1)
    name = f"Validation R@{smallest}, mean of {plural(len(chosen), 'direction')}, was best"
    if mean.iloc[-1] == mean.max():
        return f"{name} at the last measurement, with {percent(mean.max(), PERCENT)}."
    best = rows.loc[mean.idxmax(), "step"]
    return (
        f"{name} at step {best:.0f} with {percent(mean.max(), PERCENT)}; it ended at {percent(mean.iloc[-1], PERCENT)}."
    )


def result_readings(results: pd.DataFrame) -> list[str]:
    """Says for every data set what the headline metrics reach and how that compares with chance.

    Only the main rows of classification and retrieval count.
    """
    rows = headlines_of(with_chance(main_rows(results)))
    several = rows["model"].nunique() > 1
    return [_result_sentence(row, several) for row in rows.itertuples()]


def is_headline(metric: str) -> bool:
    """Whether the metric is the first one to look at: top-1 or recall at 1."""
    return metric == "top1" or metric.endswith("recall@1")


def headlines_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of the metrics to look at first."""
    return rows[rows["metric"].map(is_headline).astype(bool)]


def above_chance(value: float, chance: float, n: int) -> bool:
    """Whether a fraction of ``n`` trials exceeds ``chance`` by two binomial standard errors."""
    return value - chance > 2 * math.sqrt(chance * (1 - chance) / n)


def compared(value: float, n: int, other: float, other_n: int) -> Literal["above", "below", "level"]:
    """Compares two means of values in 0 .. 1: apart if they differ by two binomial standard errors.

    No values in 0 .. 1 of the same mean vary more than zeros and ones, so the error is never too small; for two
    measurements of the same items, which vary together, it is too large rather than too small.
    """
    error = math.sqrt(value * (1 - value) / n + other * (1 - other) / other_n)
    if abs(value - other) <= 2 * error:
        return "level"
    return "above" if value > other else "below"


def _result_sentence(row: NamedTuple, name_model: bool) -> str:
    where = f"{bounded(row.dataset)}, {bounded(row.model)}" if name_model else bounded(row.dataset)
    start = f"{where}: {metric_label(row.metric)} {percent(row.value, PERCENT)}"
    if pd.isna(row.chance) or not is_fraction(row.metric):
        return f"{start}; the level of chance was not given."
    chance = f"chance ({percent(row.chance, PERCENT)}, n\u00a0=\u00a0{row.n:,.0f})"
    if not above_chance(row.value, row.chance, row.n):
        return f"{start}, not distinguishable from {chance}."
    return f"{start}, {row.value / row.chance:.3g} times {chance}." if row.chance else f"{start}, above {chance}."


def store_readings(stores: pd.DataFrame) -> list[str]:
    """Says how many images were skipped and how many texts were cut."""
    if stores.empty:
        return []
    skipped, truncated = (int(stores[column].fillna(0).sum()) for column in ("skipped", "truncated"))
    cut = stores.loc[stores["truncated"].fillna(0) > 0, "encoder"].nunique()
    return [
        f"Over {plural(len(stores), 'embedding store')}, {plural(skipped, 'item')} could not be read and "
        f"{plural(truncated, 'text')} were cut at an encoder's longest length"
        + (f" ({plural(cut, 'encoder')})." if truncated else "."),
    ]
