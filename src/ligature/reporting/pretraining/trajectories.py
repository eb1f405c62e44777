"""Figure of the gap over the epochs: a row a measure, a column a logit scale, a line a run."""

from typing import TYPE_CHECKING

import pandas as pd

from ligature.reporting.drawing import Drawing, figure_style
from ligature.reporting.pretraining.panels import COLUMNS, Page, line_groups, line_styles
from ligature.reporting.pretraining.tables import PANEL
from ligature.reporting.text import plural, shortened

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN = ("centroid_gap", "alignment_score", "paired_margin")
LEGEND_COLUMNS = 4


@figure_style()
def trajectory_figures(trajectories: pd.DataFrame, runs: pd.DataFrame) -> list[Drawing]:
    """Returns the measures of the gap over the epochs, means over seeds with a band from the lowest to the highest.

    Args:
        trajectories: ``run``, ``seed``, ``epoch``, ``metric`` and ``value``.
        runs: rows of ``runs.labelled``.
    """
    rows = trajectories[trajectories["metric"].isin(DRAWN)].dropna(subset=["value"])
    groups = line_groups(runs[runs["run"].isin(rows["run"])])
    styles = line_styles(runs)
    parts = [groups[start : start + COLUMNS] for start in range(0, len(groups), COLUMNS)]
    return [_figure(rows, part, styles, place, len(parts)) for place, part in enumerate(parts, start=1)]


def _figure(rows: pd.DataFrame, part: list[Page], styles: dict, place: int, count: int) -> Drawing:
    metrics = [metric for metric in DRAWN if (rows["metric"] == metric).any()]
    figure, panels = _grid(len(metrics), len(part))
    for line, metric in zip(panels, metrics, strict=True):
        for axes, page in zip(line, part, strict=True):
            _panel(axes, rows[rows["metric"] == metric], page, styles)
        line[0].set_ylabel(PANEL[metric])
    for line in panels if len(part) == 1 else panels[:1]:
        for axes, page in zip(line, part, strict=True):
            axes.set_title(page.title)
    _legend(figure, panels)
    names = pd.concat([page.runs["run"] for page in part])
    data = rows[rows["run"].isin(names)]
    seeds = data["seed"].nunique()
    band = f" Lines are means over {plural(seeds, 'seed')}, bands reach from the lowest to the highest." * (seeds > 1)
    return Drawing(
        name="pretraining-trajectories" + (f"-{place}" if count > 1 else ""),
        title="The gap over the epochs" + (f", {place} of {count}" if count > 1 else ""),
        caption=f"On the validation pairs; dashed lines are two towers, whole ones are shared.{band}",
        data=data,
        canvas=figure,
    )


def _grid(metrics: int, groups: int) -> tuple["Figure", "np.ndarray"]:
    """Returns a figure with a row a metric and a column a group, or with one group the metrics side by side."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    lines, columns = (1, metrics) if groups == 1 else (metrics, groups)
    figure = Figure(figsize=(0.8 + 2.6 * max(2, columns), 0.9 + 2.1 * lines), layout="constrained")
    shared = {"sharex": True, "sharey": False if groups == 1 else "row"}
    panels = figure.subplots(lines, columns, squeeze=False, **shared)
    for axes in panels[-1]:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    return figure, panels.reshape(metrics, groups)


def _panel(axes: "Axes", rows: pd.DataFrame, page: Page, styles: dict) -> None:
    for _, run in page.runs.iterrows():
        by_epoch = rows[rows["run"] == run["run"]].groupby("epoch")["value"].agg(["mean", "min", "max"])
        style = styles[run["run"]]
        marker = "o" if len(by_epoch) == 1 else None
        axes.plot(by_epoch.index, by_epoch["mean"], linewidth=1.4, marker=marker, label=run["variant"], **style)
        axes.fill_between(
            by_epoch.index, by_epoch["min"], by_epoch["max"], color=style["color"], alpha=0.15, linewidth=0
        )


def _legend(figure: "Figure", panels: "np.ndarray") -> None:
    """Draws one legend for all panels; a variant has one line in it, whatever its logit scale."""
    handles = {}
    for axes in panels.ravel():
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(shortened(label, 34), handle)
    columns = min(LEGEND_COLUMNS, max(2, round(figure.get_figwidth() / 2.8)))
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=columns, frameon=False, handlelength=2.6
    )
