"""The data ablation: what every mix reaches over its seeds, as a table and as figures."""

import pandas as pd

from ligature.reporting.aggregate import with_chance
from ligature.reporting.curation_tables import count
from ligature.reporting.drawing import INK, Drawing, figure_style, new_axes
from ligature.reporting.outcome_readings import is_headline
from ligature.reporting.table import Table
from ligature.reporting.text import (
    NOTHING,
    bounded,
    metric_header,
    metric_label,
    percent,
    plural,
    shortened,
    slug,
    spread,
)

MEASURE = ["dataset", "split", "protocol", "metric"]


def headline_measures(results: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a mix and headline measure, top-1 or R@1: ``value`` and ``sd`` over ``seeds``, ``chance``."""
    rows = with_chance(results)
    return rows[rows["metric"].map(is_headline)].reset_index(drop=True)


def measure_name(key: tuple[str, ...], limit: int = 40) -> str:
    """Returns the name of a measure from its values of ``MEASURE``: data set and metric."""
    return f"{bounded(key[0], limit)}, {metric_header(key[-1])}"


def ablation_table(measures: pd.DataFrame, mixes: pd.DataFrame) -> Table:
    """Returns one row a mix: its sets, rows and seeds, and mean and deviation of every headline measure."""
    keys = list(measures.groupby(MEASURE, sort=False).groups)
    names = list(dict.fromkeys(measures["model"]))
    return Table(
        name="ablation",
        caption="The same projector trained on every mix for the same number of steps: mean ± deviation over seeds, "
        "in %. i→t: image to text, t→i: text to image.",
        data=measures.assign(rows=measures["model"].map(mixes.groupby("mix")["rows"].sum())),
        header=["mix", "sets", "rows", "seeds", *map(measure_name, keys)],
        rows=[
            _mix_cells(name, measures[measures["model"] == name], mixes[mixes["mix"] == name], keys) for name in names
        ],
        text_columns=2,
    )


def _mix_cells(name: str, rows: pd.DataFrame, sets: pd.DataFrame, keys: list[tuple[str, ...]]) -> list[str]:
    by_measure = rows.set_index(MEASURE)
    cells = [NOTHING] * len(keys)
    for place, key in enumerate(keys):
        if key in by_measure.index:
            row = by_measure.loc[key]
            cells[place] = spread(key[-1], row["value"], row["sd"])
    seeds = " / ".join(str(seeds) for seeds in dict.fromkeys(rows["seeds"]))
    size = count(sets["rows"].sum(min_count=1))
    return [bounded(name), bounded(" + ".join(sets["set"])) or NOTHING, size, seeds, *cells]


@figure_style()
def ablation_points(measures: pd.DataFrame) -> list[Drawing]:
    """Returns one figure a measure: a point a mix with its deviation over seeds, and the level of chance."""
    names = list(dict.fromkeys(measures["model"]))
    groups = measures.groupby(MEASURE, sort=False)
    return [_points(place, key, rows, names) for place, (key, rows) in enumerate(groups, start=1)]


def _points(place: int, key: tuple[str, ...], rows: pd.DataFrame, names: list[str]) -> Drawing:
    axes = new_axes(3.4, 1.1 + 0.3 * len(names))
    rows = rows.assign(place=rows["model"].map(names.index))
    axes.errorbar(
        100 * rows["value"],
        rows["place"],
        xerr=100 * rows["sd"].fillna(0.0),
        fmt="o",
        color="#0072B2",
        markersize=4,
        capsize=4,
        elinewidth=1.5,
    )
    chance = rows["chance"].iloc[0]
    caption = (
        f"Mean and deviation over {plural(int(rows['seeds'].max()), 'seed')}, n\u00a0=\u00a0{rows['n'].max():,.0f}"
    )
    if pd.notna(chance):
        axes.axvline(100 * chance, color=INK, linestyle=":", linewidth=1)
        caption += f"; dotted: chance, {percent(chance)}\u00a0%"
    axes.set_yticks(range(len(names)), [shortened(name, 22) for name in names])
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel=f"{metric_label(key[-1])} in %", title=bounded(key[0], 30))
    axes.margins(x=0.08)
    name = f"ablation-{place}-{slug(key[0])}-{slug(key[-1].replace('@', '-'))}"
    return Drawing(name, measure_name(key), f"{caption}.", rows.drop(columns="place"), axes.figure)
