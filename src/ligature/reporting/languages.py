"""Languages: what classification and retrieval reach in each of them, as a table and as sentences."""

import pandas as pd

from ligature.reporting.aggregate import CHANCE, with_chance
from ligature.reporting.outcome_readings import above_chance, headlines_of
from ligature.reporting.table import Table
from ligature.reporting.text import (
    DIRECTIONS_NOTE,
    NOTHING,
    bounded,
    listed,
    metric_header,
    metric_label,
    percent,
    spread,
)

TASKS = ("multilingual classification", "multilingual retrieval")
NAMES = {"en": "English", "de": "German", "fr": "French", "ja": "Japanese", "ru": "Russian"}
MEASURE = ["task", "dataset", "metric"]
AVERAGE = "average"


def language_measures(results: pd.DataFrame) -> pd.DataFrame:
    """Returns top-1 and R@1 of every model and language: ``language``, ``value``, ``sd``, ``chance``; English first."""
    rows = with_chance(results)
    rows = headlines_of(rows[rows["task"].isin(TASKS)])
    rows = rows.assign(language=[NAMES.get(code, bounded(code, 20)) for code in rows["variant"]])
    return rows.sort_values("variant", key=lambda codes: codes != "en", kind="stable", ignore_index=True)


def language_averages(measures: pd.DataFrame) -> pd.DataFrame:
    """Returns the mean of every model and measure over its languages; ``languages`` says over how many."""
    groups = measures.groupby(["model", *MEASURE], sort=False)
    means = groups.agg(value=("value", "mean"), chance=("chance", "mean"), languages=("value", "size"), n=("n", "max"))
    return means.reset_index().assign(language=AVERAGE, variant=AVERAGE, sd=float("nan"))


def language_table(measures: pd.DataFrame) -> Table:
    """Returns a row a model and language, the average of each model, and the level of chance; a column a measure."""
    data = pd.concat([measures, language_averages(measures)], ignore_index=True)
    keys = list(measures[MEASURE].drop_duplicates().itertuples(index=False, name=None))
    models = dict.fromkeys(measures["model"])
    labels = [(model, name) for model in models for name in [*dict.fromkeys(measures["language"]), AVERAGE]]
    cells = data.set_index(["model", "language", *MEASURE])
    rows = [[bounded(model), name, *(_cell(cells, (model, name, *key)) for key in keys)] for model, name in labels]
    rows.append([CHANCE, "", *(_chance_cell(data, key) for key in keys)])
    return Table(
        name="languages",
        caption="Fractions in %; the average is over the languages of a column. " + DIRECTIONS_NOTE,
        data=data,
        header=["model", "language", *(f"{bounded(key[1], 30)}, {metric_header(key[2])}" for key in keys)],
        rows=rows,
        text_columns=2,
        strong=frozenset(place for place, label in enumerate(labels) if label[1] == AVERAGE),
        muted=frozenset([len(labels)]),
    )


def _cell(cells: pd.DataFrame, key: tuple[str, ...]) -> str:
    return spread(key[-1], cells.loc[key, "value"], cells.loc[key, "sd"]) if key in cells.index else NOTHING


def _chance_cell(data: pd.DataFrame, key: tuple[str, ...]) -> str:
    """Returns the level of chance of a measure, from the lowest to the highest where languages differ in it."""
    chances = data.loc[(data[MEASURE] == list(key)).all(axis=1), "chance"]
    ends = dict.fromkeys(percent(value) for value in (chances.min(), chances.max()))
    return " to ".join(ends)


def language_readings(measures: pd.DataFrame) -> list[str]:
    """Says for every model and measure which languages are above chance by two binomial standard errors."""
    several = measures["model"].nunique() > 1
    return [
        _reading(*key[1:], rows, f"{bounded(key[0])}, " if several else "")
        for key, rows in measures.dropna(subset="chance").groupby(["model", *MEASURE], sort=False)
    ]


def _reading(task: str, dataset: str, metric: str, rows: pd.DataFrame, model: str) -> str:
    above = [above_chance(row.value, row.chance, row.n) for row in rows.itertuples()]
    clear = listed(name for name, is_clear in zip(rows["language"], above, strict=True) if is_clear)
    level = listed(name for name, is_clear in zip(rows["language"], above, strict=True) if not is_clear)
    parts = [f"above chance in {clear}"] if clear else []
    parts += [f"not distinguishable from chance in {level}"] if level else []
    return f"{model}{bounded(dataset)}, {metric_label(metric)}: {'; '.join(parts)} (two binomial standard errors)."
