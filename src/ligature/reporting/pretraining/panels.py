"""Which runs stand on which figure: few enough on each that every one can be read, and in one style everywhere."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from ligature.reporting.matching.labels import COLOURS
from ligature.reporting.pretraining.runs import OF_SEPARATION
from ligature.reporting.text import shortened, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
"""Panels in a row at most."""
MOST_PANELS = 8
"""Panels of a figure at most."""
MOST_LINES = 8
"""Lines of a panel at most."""
DASHES = {"none": (0, (4, 1.6)), "all": "-"}
"""Two towers are dashed, shared ones are whole."""
PARTLY_SHARED = (0, (1, 1.2))
PANEL_INCHES = 2.75


class Page(NamedTuple):
    """The runs of one figure."""

    name: str
    title: str
    runs: pd.DataFrame


def pages(runs: pd.DataFrame) -> list[Page]:
    """Returns the runs by figure, a panel each: all of them on one, or by logit scale, ``MOST_PANELS`` at most.

    Args:
        runs: rows of ``runs.labelled``.
    """
    if len(runs) <= MOST_PANELS:
        return [Page("all", "", runs)] if len(runs) else []
    return [page for _, group in runs.groupby("scale", sort=False) for page in _parts(group, MOST_PANELS)]


def _parts(runs: pd.DataFrame, most: int) -> Iterator[Page]:
    """Yields the runs of one logit scale in parts of equal size."""
    scale, value = runs[["scale", "logit_scale"]].iloc[0]
    count = math.ceil(len(runs) / most)
    size = math.ceil(len(runs) / count)
    for part in range(count):
        ending = f", {part + 1} of {count}" if count > 1 else ""
        name = f"scale-{slug(value)}" + (f"-{part + 1}" if count > 1 else "")
        yield Page(name, f"{scale}{ending}", runs.iloc[part * size : (part + 1) * size])


def line_groups(runs: pd.DataFrame) -> list[Page]:
    """Returns the runs by column of a figure with several lines a panel: a logit scale, ``MOST_LINES`` at most."""
    return [page for _, group in runs.groupby("scale", sort=False) for page in _parts(group, MOST_LINES)]


def panel_titles(page: Page) -> list[str]:
    """Returns the titles of the panels of a page, with the logit scale on a line of its own where several differ."""
    several = page.runs["scale"].nunique() > 1
    return [shortened(run["variant"], 34) + (f"\n{run['scale']}" if several else "") for _, run in page.runs.iterrows()]


def grid_of(page: Page, height: float) -> tuple["Figure", list["Axes"]]:
    """Returns a figure with a panel a run; panels share both axes and those without a run are hidden.

    Args:
        page: what stands on the figure.
        height: of a panel in inches.
    """
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(page.runs))
    lines = math.ceil(len(page.runs) / columns)
    figure = Figure(figsize=(0.4 + PANEL_INCHES * columns, 0.6 + height * lines), layout="constrained")
    panels = list(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel())
    for axes in panels[len(page.runs) :]:
        axes.set_visible(False)
    return figure, panels[: len(page.runs)]


def label_bottom(panels: list["Axes"], label: str) -> None:
    """Names the horizontal axis of the panels that have none below them."""
    for axes in panels[-COLUMNS:]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(label)


def line_styles(runs: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Returns colour and dashes by run: a colour a loss, dashes by what is shared."""
    losses = runs[["separation", *OF_SEPARATION, "alpha"]].apply(tuple, axis=1)
    order = list(dict.fromkeys(sorted(losses, key=lambda loss: loss[0] != "none")))
    return {
        run["run"]: {
            "color": COLOURS[order.index(loss) % len(COLOURS)],
            "linestyle": DASHES.get(run["sharing"], PARTLY_SHARED),
        }
        for (_, run), loss in zip(runs.iterrows(), losses, strict=True)
    }
