"""Figures of the grid: what every value of a key reaches, one panel a key."""

import math
from typing import TYPE_CHECKING

import pandas as pd

from ligature.params.grid import Value
from ligature.reporting.ablation import measure_name
from ligature.reporting.aggregate import CHANCE
from ligature.reporting.drawing import INK, Drawing, figure_style
from ligature.reporting.sweep_grid import Points, marginals, varied_keys
from ligature.reporting.sweep_runs import MEASURE
from ligature.reporting.text import metric_label, shortened, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = 3
"""Panels in a row at most."""
POINT, MEAN = "#56B4E9", "#0072B2"


@figure_style()
def grid_panels(measures: pd.DataFrame, points: Points) -> list[Drawing]:
    """Returns one figure a measure: a panel a key with all points, and the mean of every value connected.

    Args:
        measures: rows of ``sweep_measures`` of points.
        points: those that ran.
    """
    keys, means = varied_keys(points), marginals(measures, points)
    groups = measures.groupby(MEASURE, sort=False) if keys else ()
    return [
        _panels(place, measure, rows, means[(means[MEASURE] == list(measure)).all(axis=1)], points)
        for place, (measure, rows) in enumerate(groups, start=1)
    ]


def _panels(place: int, measure: tuple[str, ...], rows: pd.DataFrame, means: pd.DataFrame, points: Points) -> Drawing:
    from matplotlib.figure import Figure

    keys = varied_keys(points)
    columns = min(PANELS, len(keys))
    lines = math.ceil(len(keys) / columns)
    figure = Figure(figsize=(0.8 + 2.2 * columns, 0.5 + 2.4 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for axes, (key, values) in zip(panels, keys.items(), strict=False):
        settings = [points[name][key] for name in rows["model"]]
        _panel(axes, rows.assign(setting=settings), means[means["key"] == key], values)
        axes.set(xlabel=shortened(key, 30))
    for axes in panels[len(keys) :]:
        axes.set_visible(False)
    for axes in panels[::columns]:
        axes.set(ylabel=f"{metric_label(measure[-1])} in %")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    caption = "A light point is a combination, its mean over seeds; the line joins the means over all other keys."
    data = pd.concat([rows.assign(key="", setting="", points=1), means], ignore_index=True)
    return Drawing(_name(place, measure), f"Grid: {measure_name(measure)}", caption, data, figure)


def _panel(axes: "Axes", rows: pd.DataFrame, means: pd.DataFrame, values: list[Value]) -> None:
    axes.scatter(rows["setting"].map(values.index), 100 * rows["value"], color=POINT, s=18, label="combination")
    places = means["setting"].map(values.index)
    axes.plot(places, 100 * means["value"], color=MEAN, marker="o", markersize=5, label="mean over the other keys")
    if rows["chance"].notna().any():
        axes.axhline(100 * rows["chance"].max(), color=INK, linestyle=":", linewidth=1, label=CHANCE)
    axes.set_xticks(range(len(values)), [shortened(value, 14) for value in values])
    axes.set(xlim=(-0.4, len(values) - 0.6))
    axes.grid(visible=False, axis="x")


def _name(place: int, measure: tuple[str, ...]) -> str:
    return f"sweep-grid-{place}-{slug(measure[0])}-{slug(measure[-1].replace('@', '-'))}"
