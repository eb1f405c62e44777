"""Styles of methods, and labels at the ends of lines that keep clear of each other."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ligature.reporting.drawing import INK
from ligature.reporting.matching.rows import method_rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#C98500", "#6A51A3", "#7A4A21", "#222222")
MARKERS = "osD^vP*X"
LEADER = {"arrowstyle": "-", "linewidth": 0.6, "alpha": 0.6, "shrinkA": 0, "shrinkB": 0}
"""The line from a label to its point."""
POINTS_A_LINE = 10.5
"""Height of a line of small text, in points."""


class Style(NamedTuple):
    """How a method is drawn, the same in all figures."""

    colour: str
    marker: str


def method_styles(models: Iterable[str]) -> dict[str, Style]:
    """Returns the styles of the methods that are drawn: at most as many as there are colours, the first in rank."""
    chosen = sorted(dict.fromkeys(models), key=lambda model: (method_rank(model), model))[: len(COLOURS)]
    return {model: Style(*style) for model, style in zip(chosen, zip(COLOURS, MARKERS, strict=True), strict=False)}


def spread_out(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Returns the nearest places, by squares, that keep the order, ``gap`` apart and within ``low`` .. ``high``.

    Where they do not all fit, they stand evenly over the whole of it.
    """
    from scipy.optimize import isotonic_regression

    if not len(places):
        return []
    gap = min(gap, (high - low) / max(1, len(places) - 1))
    order, steps = np.argsort(places, kind="stable"), gap * np.arange(len(places))
    moved = isotonic_regression(np.asarray(places, float)[order] - steps).x
    found = np.empty(len(places))
    found[order] = np.clip(moved, low, high - steps[-1]) + steps
    return found.tolist()


def label_ends(axes: "Axes", ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Writes a label to the right of the axes for each (x, y, text, colour), with a thin line to its point.

    The limits of the axes and the size of their figure must have been set before.
    """
    low, high = axes.get_ylim()
    height = axes.figure.get_figheight() * 72 / max(1, len({one.get_position().y0 for one in axes.figure.axes})) * 0.7
    gap = (high - low) * POINTS_A_LINE / height
    places = spread_out([end[1] for end in ends], gap, low + gap / 3, high - gap / 3)
    for (x, y, text, colour), place in zip(ends, places, strict=True):
        axes.annotate(
            text,
            xy=(x, y),
            xytext=(1.04, place),
            textcoords=axes.get_yaxis_transform(),
            color=colour,
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops=LEADER | {"color": colour, "relpos": (0, 0.5), "shrinkB": 2},
        )


def label_tops(axes: "Axes", tops: Sequence[tuple[float, str]]) -> None:
    """Writes an upright label above the axes for each (x, text), with a thin line down to its place.

    The limits of the axes and the size of their figure must have been set before.
    """
    low, high = axes.get_xlim()
    gap = (high - low) * POINTS_A_LINE / (axes.figure.get_figwidth() * 72 * 0.75)
    for (x, text), place in zip(tops, spread_out([top[0] for top in tops], gap, low, high), strict=True):
        axes.axvline(x, color=INK, linewidth=0.5, alpha=0.25, zorder=0)
        axes.annotate(
            text,
            xy=(x, 1.0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(place, 1.08),
            textcoords=axes.get_xaxis_transform(),
            rotation=90,
            fontsize=8,
            ha="center",
            va="bottom",
            annotation_clip=False,
            arrowprops=LEADER | {"color": INK, "relpos": (0.5, 0)},
        )
