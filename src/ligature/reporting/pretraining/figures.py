"""Figures of the end of every run, a panel each: cosines of pairs, and both modalities in the plane."""

from typing import TYPE_CHECKING

import pandas as pd

from ligature.reporting.drawing import INK, MODALITY_COLOURS, Drawing, figure_style
from ligature.reporting.feature_figures import MARKERS
from ligature.reporting.pretraining.panels import (
    COLUMNS,
    PANEL_INCHES,
    Page,
    grid_of,
    label_bottom,
    pages,
    panel_titles,
)
from ligature.reporting.text import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KIND_COLOURS = {"unpaired": "#999999", "paired": "#0072B2"}
LABEL_INCHES = 0.6
"""Height of the title and of the labels of a square panel."""


@figure_style()
def cosine_figures(similarities: pd.DataFrame, runs: pd.DataFrame) -> list[Drawing]:
    """Returns the distributions of the cosines of paired and unpaired images and texts, a panel a run.

    Args:
        similarities: ``run``, ``seed``, ``kind``, ``low``, ``high`` and ``count``; seeds are put together.
        runs: rows of ``runs.labelled``.
    """
    return [_cosines(similarities, page) for page in pages(runs[runs["run"].isin(similarities["run"])])]


def _cosines(similarities: pd.DataFrame, page: Page) -> Drawing:
    data = similarities[similarities["run"].isin(page.runs["run"])]
    figure, panels = grid_of(page, height=1.75)
    for axes, title, name in zip(panels, panel_titles(page), page.runs["run"], strict=True):
        _distribution(axes, data[data["run"] == name])
        axes.set_title(title)
    filled = data[data["count"] > 0]
    panels[0].set(xlim=(filled["low"].min(), filled["high"].max()), ylim=(0, None), yticks=[])
    label_bottom(panels, "cosine")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return Drawing(
        name=f"pretraining-cosines-{page.name}",
        title="Cosines of pairs" + (f", {page.title}" if page.title else ""),
        caption="Images with their own texts and with those of others; each has an area of 1, and a short line marks "
        "its mean. Their distance is the margin; where both are high, the features fill a narrow cone.",
        data=data,
        canvas=figure,
    )


def _distribution(axes: "Axes", rows: pd.DataFrame) -> None:
    for kind, colour in KIND_COLOURS.items():
        bins = rows[rows["kind"] == kind].groupby(["low", "high"])["count"].sum().reset_index()
        total = bins["count"].sum()
        if not total:
            continue
        height = bins["count"] / total / (bins["high"] - bins["low"])
        x, y = bins[["low", "low", "high", "high"]], pd.concat([0 * height, height, height, 0 * height], axis=1)
        axes.fill(x.to_numpy().ravel(), y.to_numpy().ravel(), color=colour, alpha=0.55, linewidth=0, label=kind)
        mean = ((bins["low"] + bins["high"]) / 2 * bins["count"]).sum() / total
        axes.axvline(mean, ymax=0.08, color=INK, linewidth=2)


@figure_style()
def map_figures(features: pd.DataFrame, runs: pd.DataFrame) -> list[Drawing]:
    """Returns both modalities in the plane, a panel a run, a thin line between the two of a pair.

    Args:
        features: ``run``, ``modality``, ``pair``, ``x`` and ``y``, of one seed.
        runs: rows of ``runs.labelled``.
    """
    return [_maps(features, page) for page in pages(runs[runs["run"].isin(features["run"])])]


def _maps(features: pd.DataFrame, page: Page) -> Drawing:
    data = features[features["run"].isin(page.runs["run"])]
    figure, panels = grid_of(page, height=PANEL_INCHES + LABEL_INCHES)
    for axes, title, name in zip(panels, panel_titles(page), page.runs["run"], strict=True):
        _map(axes, data[data["run"] == name])
        axes.set(title=title, aspect="equal")
    _square(panels[0], data)
    label_bottom(panels, "first component")
    for axes in panels[::COLUMNS]:
        axes.set_ylabel("second component")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, markerscale=1.8)
    count = data[data["modality"] == "image"].groupby("run").size().max()
    return Drawing(
        name=f"pretraining-maps-{page.name}",
        title="Both modalities in the plane" + (f", {page.title}" if page.title else ""),
        caption=f"{plural(int(count), 'image')} and their texts, first seed, a grey line between the two of a pair; "
        "the first two principal components of both together, of every run by itself, on one scale.",
        data=data,
        canvas=figure,
    )


def _square(axes: "Axes", points: pd.DataFrame) -> None:
    """Sets limits of one length both ways that hold all points."""
    low, high = points[["x", "y"]].min(), points[["x", "y"]].max()
    half = 0.54 * max((high - low).max(), 1e-6)
    middle = (low + high) / 2
    axes.set(xlim=(middle["x"] - half, middle["x"] + half), ylim=(middle["y"] - half, middle["y"] + half))


def _map(axes: "Axes", rows: pd.DataFrame) -> None:
    from matplotlib.collections import LineCollection

    pairs = rows[rows["modality"] == "image"].merge(rows[rows["modality"] == "text"], on="pair")
    lines = pairs[["x_x", "y_x", "x_y", "y_y"]].to_numpy().reshape(-1, 2, 2)
    axes.add_collection(LineCollection(lines, color="#888888", linewidth=0.4, alpha=0.35, zorder=1))
    for modality, colour in MODALITY_COLOURS.items():
        points = rows[rows["modality"] == modality]
        marker = MARKERS[modality]
        axes.scatter(
            points["x"], points["y"], s=7, alpha=0.75, linewidth=0, color=colour, marker=marker, label=modality
        )
