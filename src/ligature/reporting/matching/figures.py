"""Figures of matching: accuracy against the number of anchors, and by what was done to anchors and features."""

from typing import TYPE_CHECKING

import pandas as pd

from ligature.reporting.aggregate import CHANCE
from ligature.reporting.drawing import INK, Drawing, figure_style
from ligature.reporting.matching.labels import Style, label_ends
from ligature.reporting.matching.rows import (
    ACCURACY,
    CELL,
    at_reference,
    axis_value,
    described,
    method_label,
)
from ligature.reporting.matching.tables import setting_order, setting_rows
from ligature.reporting.text import bounded, metric_label, shortened, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWN = (ACCURACY, "top1", "top5")
FACETS = ("base_size", "queries", "direction")
"""Axes that may vary in a figure of anchors."""


@figure_style()
def anchor_curves(rows: pd.DataFrame, styles: dict[str, Style]) -> list[Drawing]:
    """Returns one figure an experiment with several numbers of anchors: a row a direction, a panel a metric.

    Args:
        rows: rows of ``share_rows``.
        styles: the methods to draw.
    """
    rows = rows[(rows["post"] == "") & rows["metric"].isin(DRAWN) & rows["model"].isin(styles)]
    return [
        _curves(name, group, styles)
        for name, group in rows.groupby("experiment", sort=False)
        if group["base_size"].nunique() > 1
    ]


def _curves(name: str, rows: pd.DataFrame, styles: dict[str, Style]) -> Drawing:
    from matplotlib.figure import Figure

    rows = at_reference(rows, [axis for axis in CELL if axis not in FACETS])
    directions = list(dict.fromkeys(rows["direction"]))
    metrics = [metric for metric in DRAWN if (rows["metric"] == metric).any()]
    size = (0.4 + 3.5 * len(metrics), 3.0 * len(directions))
    panels = Figure(figsize=size, layout="constrained").subplots(len(directions), len(metrics), squeeze=False)
    for line, direction in zip(panels, directions, strict=True):
        for axes, metric in zip(line, metrics, strict=True):
            _panel(axes, rows[(rows["direction"] == direction) & (rows["metric"] == metric)], styles)
            title = metric_label(metric) + (f", {axis_value('direction', direction)}" if len(directions) > 1 else "")
            axes.set_title(title)
    for axes in panels[-1]:
        axes.set_xlabel("anchors")
    for axes in panels[:, 0]:
        axes.set_ylabel("%")
    left_out = rows["model"].nunique() < len(styles)
    caption = f"{described(rows)}. Bars are 95\u00a0% intervals over draws, dashed is chance."
    return Drawing(
        name=f"matching-anchors-{slug(name)}",
        title=f"Accuracy by number of anchors, {bounded(name)}",
        caption=caption + " A method without a ranking has no top-k." * left_out,
        data=rows[[*CELL, "model", "metric", "value", "low", "high", "chance"]],
        canvas=panels[0, 0].figure,
    )


def _panel(axes: "Axes", rows: pd.DataFrame, styles: dict[str, Style]) -> None:
    shown = [model for model in styles if (rows["model"] == model).any()]
    ends = []
    for place, model in enumerate(shown):
        line = rows[rows["model"] == model].sort_values("base_size")
        x = line["base_size"] * 1.012 ** (place - (len(shown) - 1) / 2)
        _points(axes, x, line, styles[model], linestyle="-")
        ends.append((x.iloc[-1], 100 * line["value"].iloc[-1], method_label(model), styles[model].colour))
    chance = rows.groupby("base_size")["chance"].mean().dropna()
    if len(chance):
        axes.plot(chance.index, 100 * chance, color=INK, linestyle="--", linewidth=1)
        ends.append((chance.index[-1], 100 * chance.iloc[-1], CHANCE, INK))
    sizes = sorted(rows["base_size"].unique())
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    axes.minorticks_off()
    axes.set_ylim(0, None)
    label_ends(axes, ends)


def _points(axes: "Axes", x: pd.Series, rows: pd.DataFrame, style: Style, linestyle: str) -> None:
    """Draws values in percent against ``x`` with their intervals, where there are any."""
    values = 100 * rows["value"]
    below, above = (100 * (rows["value"] - rows["low"]).fillna(0), 100 * (rows["high"] - rows["value"]).fillna(0))
    axes.errorbar(
        x,
        values,
        yerr=(below.clip(lower=0), above.clip(lower=0)),
        color=style.colour,
        marker=style.marker,
        markersize=4,
        linewidth=1.3,
        elinewidth=0.9,
        linestyle=linestyle,
        capsize=2,
    )


@figure_style()
def setting_points(rows: pd.DataFrame, styles: dict[str, Style]) -> list[Drawing]:
    """Returns one figure an experiment with several settings of anchors and stretch: a group a setting.

    Args:
        rows: rows of ``share_rows``.
        styles: the methods to draw.
    """
    rows = setting_rows(rows[rows["model"].isin(styles)])
    return [_settings(name, group, styles) for name, group in rows.groupby("experiment", sort=False)]


def _settings(name: str, rows: pd.DataFrame, styles: dict[str, Style]) -> Drawing:
    from matplotlib.figure import Figure

    rows = at_reference(rows, [axis for axis in CELL if axis not in ("selection", "stretch")])
    order = setting_order(rows)
    shown = [model for model in styles if (rows["model"] == model).any()]
    axes = Figure(figsize=(min(11.2, max(5.2, 1.6 + 1.1 * len(order))), 3.8), layout="constrained").subplots()
    for place, model in enumerate(shown):
        points = rows[rows["model"] == model]
        x = points["setting"].map(order.index) + 0.7 * (place - (len(shown) - 1) / 2) / len(shown)
        _points(axes, x, points, styles[model], linestyle="none")
        axes.plot([], [], color=styles[model].colour, marker=styles[model].marker, label=method_label(model))
    if rows["chance"].notna().any():
        axes.axhline(100 * rows["chance"].mean(), color=INK, linestyle="--", linewidth=1, label=CHANCE)
    axes.set_xticks(range(len(order)), [label.replace(" + ", "\n+ ").replace(" (", "\n(") for label in order])
    axes.set(ylabel="matching accuracy in %", title=shortened(name, 50), xlim=(-0.5, len(order) - 0.5))
    axes.set_ylim(0, None)
    axes.grid(visible=False, axis="x")
    axes.figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return Drawing(
        name=f"matching-settings-{slug(name)}",
        title=f"Matching accuracy by setting, {bounded(name)}",
        caption=f"{described(rows, ('selection', 'stretch'))}. Bars are 95\u00a0% intervals over draws.",
        data=rows[[*CELL, "setting", "model", "value", "low", "high", "chance"]],
        canvas=axes.figure,
    )
