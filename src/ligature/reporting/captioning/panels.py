"""Which runs stand on which figure of captioning, and in which style: the same everywhere."""

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from ligature.reporting.captioning.runs import KINDS, one_of_each_kind_first, single_runs
from ligature.reporting.matching.labels import COLOURS, MARKERS
from ligature.reporting.text import shortened, slug

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LINES = 8
"""Lines of a panel at most."""
LEGEND_COLUMNS = 4


class Page(NamedTuple):
    """The runs of one figure."""

    name: str
    title: str
    runs: pd.DataFrame


def pages(runs: pd.DataFrame) -> list[Page]:
    """Returns single runs by figure, ``MOST_LINES`` at most: all, or the kinds of a recipe and the variants of a kind.

    Args:
        runs: rows of ``runs.labelled``.
    """
    runs = single_runs(runs)
    if len(runs) <= MOST_LINES:
        return [Page("all", "", runs)] if len(runs) else []
    return [page for recipe, group in runs.groupby("recipe", sort=False) for page in _of_recipe(recipe, group)]


def _of_recipe(recipe: str, runs: pd.DataFrame) -> "Iterator[Page]":
    """Yields the first run of every kind together, then all runs of every kind that has several."""
    ending = f", {shortened(recipe, 30)}"
    firsts = one_of_each_kind_first(runs).head(runs["kind"].nunique())
    if len(firsts) > 1:
        yield Page(f"{slug(recipe)}-kinds", f", a connector a kind{ending}", firsts)
    for kind, group in runs.groupby("kind", sort=False):
        if len(group) == 1 and len(firsts) > 1:
            continue
        for start in range(0, len(group), MOST_LINES):
            part = f"-{start // MOST_LINES + 1}" if len(group) > MOST_LINES else ""
            title = f", variants of {KINDS.get(kind, kind)}{ending}{part.replace('-', ', part ')}"
            yield Page(f"{slug(recipe)}-{slug(kind)}{part}", title, group.iloc[start : start + MOST_LINES])


def line_styles(page: Page) -> dict[str, dict[str, object]]:
    """Returns colour and marker by run."""
    styles = zip(page.runs["run"], COLOURS, MARKERS, strict=False)
    return {name: {"color": colour, "marker": marker, "markersize": 4.5} for name, colour, marker in styles}


def panels_of(count: int, lines: int = 1) -> tuple["Figure", list["Axes"]]:
    """Returns a figure with ``lines`` rows of ``count`` panels each, row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.6 + 2.6 * max(2, count), 0.9 + 2.2 * lines), layout="constrained")
    return figure, list(figure.subplots(lines, count, squeeze=False).ravel())


def add_legend(figure: "Figure", panels: list["Axes"]) -> None:
    """Draws one legend for all panels below them."""
    handles = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(shortened(label, 34), handle)
    columns = min(LEGEND_COLUMNS, max(1, int(figure.get_figwidth() / 2.4)))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns, frameon=False)
