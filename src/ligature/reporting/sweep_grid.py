"""The grid of the sweep on the page: every point, and what each key does on average over the others."""

from collections.abc import Mapping

import pandas as pd

from ligature.params.grid import Value
from ligature.params.train import SweepRun
from ligature.reporting.ablation import measure_name
from ligature.reporting.ablation_readings import verdict
from ligature.reporting.aggregate import CHANCE
from ligature.reporting.sweep_runs import MEASURE, Runs
from ligature.reporting.sweep_tables import chance_cells, keys_of, seeds_of, values_of
from ligature.reporting.table import Table
from ligature.reporting.text import DIRECTIONS_NOTE, NOTHING, PERCENT, bounded, listed, number, plural, spread

Points = Mapping[str, Mapping[str, Value]]
"""Combinations of values by the names of their runs."""
MARK = "~"
"""Stands between key and value in the names of points, and in no other name."""


def is_point(names: pd.Series) -> pd.Series:
    """Says which names of runs are names of points of a grid."""
    return names.astype(str).str.contains(MARK, regex=False).astype(bool)


def point_label(name: str) -> str:
    """Returns the name of a point as text, for example ``learning_rate 0.001, loss.kind siglip``."""
    return bounded(name.replace(MARK, " ").replace("/", ", "), 120)


def varied_keys(points: Points) -> dict[str, list[Value]]:
    """Returns the keys in which points differ, with their values: numbers in rising order, the rest as they come."""
    columns = {key: list(dict.fromkeys(point[key] for point in points.values())) for key in next(iter(points.values()))}
    return {key: _ordered(values) for key, values in columns.items() if len(values) > 1}


def _ordered(values: list[Value]) -> list[Value]:
    return values if any(isinstance(value, str) for value in values) else sorted(values)


def ran(measures: pd.DataFrame, points: Points) -> Points:
    """Returns the points that have results."""
    names = set(measures["model"])
    return {name: point for name, point in points.items() if name in names}


def marginals(measures: pd.DataFrame, points: Points) -> pd.DataFrame:
    """Returns what every value of every key reaches on average over the points that have it.

    Args:
        measures: rows of ``sweep_measures`` of points.
        points: those that ran.

    Returns:
        One row a measure, ``key`` and ``setting``: mean over points as ``value``, and their number as ``points``.
    """
    tables = []
    for key, values in varied_keys(points).items():
        rows = measures.assign(key=key, setting=[points[name][key] for name in measures["model"]])
        means = rows.groupby([*MEASURE, "key", "setting"], sort=False)["value"].agg(value="mean", points="size")
        order = means.reset_index()
        tables.append(order.sort_values("setting", key=lambda column, values=values: column.map(values.index)))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def grid_table(measures: pd.DataFrame, points: Points, runs: Runs) -> Table:
    """Returns a row a point that ran, then the run that changes nothing, where there is one, and the level of chance.

    Args:
        measures: rows of ``sweep_measures``, of all runs.
        points: those that ran, at least one.
        runs: all runs by name.
    """
    names, keys = list(next(iter(points.values()))), keys_of(measures)
    shown = [
        [*(bounded(value) for value in point.values()), *values_of(measures, name, keys)]
        for name, point in points.items()
    ]
    blank = [NOTHING] * (len(names) - 1)
    reference = reference_run(measures, runs)
    if reference:
        shown.append([f"{bounded(reference, 40)} (no key changed)", *blank, *values_of(measures, reference, keys)])
    shown.append([CHANCE, *blank, *chance_cells(measures, keys)])
    data = measures[measures["model"].isin([*points, reference])]
    columns = {key: [points.get(name, {}).get(key, "") for name in data["model"]] for key in names}
    return Table(
        name="sweep-grid",
        caption=f"Every point of the grid: mean ± deviation over {seeds_of(data)}, in %. {DIRECTIONS_NOTE}",
        data=data.assign(**columns),
        header=[*names, *map(measure_name, keys)],
        rows=shown,
        text_columns=len(names),
        muted=frozenset(range(len(points), len(shown))),
    )


def reference_run(measures: pd.DataFrame, runs: Runs) -> str | None:
    """Returns the name of the run that changes nothing, which points of a grid are held against; None without one."""
    return next((name for name in measures["model"].unique() if runs.get(name) == SweepRun()), None)


def grid_readings(measures: pd.DataFrame) -> list[str]:
    """Says for every measure which point is highest, and how many are not distinguishable from it."""
    return [_highest(key, rows) for key, rows in measures.groupby(MEASURE, sort=False) if len(rows) > 1]


def _highest(key: tuple[str, ...], rows: pd.DataFrame) -> str:
    best = rows.loc[rows["value"].idxmax()]
    value = spread(best["metric"], best["value"], best["sd"]) + PERCENT
    start = f"{measure_name(key)}: of {plural(len(rows), 'point')}, {point_label(best['model'])} ({value}) is highest"
    verdicts = [verdict(best, other) for _, other in rows.drop(index=best.name).iterrows()]
    if "one seed" in verdicts:
        return f"{start}; one seed has no spread, so no difference is shown."
    level = verdicts.count("overlap")
    return f"{start}, " + (
        f"not distinguishable from {plural(level, 'other')}." if level else "beyond the spread of seeds."
    )


def marginal_readings(measures: pd.DataFrame, points: Points) -> list[str]:
    """Says for every measure how far each key moves the mean, beside the deviation over seeds.

    Args:
        measures: rows of ``sweep_measures`` of points.
        points: those that ran.
    """
    means = marginals(measures, points)
    if means.empty:
        return []
    sentences = []
    for measure, rows in means.groupby(MEASURE, sort=False):
        moves = listed(_move(key, values) for key, values in rows.groupby("key", sort=False))
        deviation = measures.loc[(measures[MEASURE] == list(measure)).all(axis=1), "sd"].mean()
        seeds = (
            "" if pd.isna(deviation) else f"; the seeds of one point deviate by {number(100 * deviation, 1)} on average"
        )
        sentences.append(f"{measure_name(measure)}, in points between the lowest and the highest mean: {moves}{seeds}.")
    return sentences


def _move(key: str, rows: pd.DataFrame) -> str:
    low, high = rows.loc[rows["value"].idxmin()], rows.loc[rows["value"].idxmax()]
    moved = f"{key} {number(100 * (high['value'] - low['value']), 1)}"
    return f"{moved} (from {low['setting']} to {high['setting']})" if high["value"] > low["value"] else moved
