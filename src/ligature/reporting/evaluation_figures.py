"""Figures of the evaluation: bars of languages, and recall against the length of texts."""

import math
from typing import TYPE_CHECKING

import pandas as pd

from ligature.reporting.aggregate import CHANCE
from ligature.reporting.drawing import DIRECTION_COLOURS, INK, Drawing, figure_style, new_axes
from ligature.reporting.languages import MEASURE
from ligature.reporting.outcome_readings import headlines_of
from ligature.reporting.text import bounded, metric_label, shortened, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#009E73", "#0072B2", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9")
WHOLE_STEP = 1.0
"""Distance of the whole text from the longest cut, in doublings of the length."""


@figure_style()
def language_bars(measures: pd.DataFrame) -> list[Drawing]:
    """Returns one figure a model: a group of bars a language, a bar a measure, with the level of chance on it."""
    return [_bars(model, rows) for model, rows in measures.groupby("model", sort=False)]


def _bars(model: str, rows: pd.DataFrame) -> Drawing:
    languages = list(dict.fromkeys(rows["language"]))
    groups = rows.groupby(MEASURE, sort=False)
    axes = new_axes(max(5.2, 1.6 + 0.28 * len(languages) * (len(groups) + 1)), 3.4)
    width = 0.8 / len(groups)
    for place, (key, group) in enumerate(groups):
        left = [languages.index(name) - 0.4 + place * width for name in group["language"]]
        label = f"{shortened(key[1], 24)}, {metric_label(key[2])}"
        colour = COLOURS[place % len(COLOURS)]
        axes.bar(left, 100 * group["value"], width=0.92 * width, align="edge", color=colour, label=label, linewidth=0)
        axes.hlines(100 * group["chance"], left, [start + 0.92 * width for start in left], color=INK, linewidth=1.6)
    axes.set_xticks(range(len(languages)), languages)
    axes.set(ylabel="%", ylim=(0, None), title=shortened(model, 50))
    axes.grid(visible=False, axis="x")
    axes.figure.legend(loc="outside lower center", ncols=2, frameon=False)
    caption = "The black line on a bar is the level of chance."
    return Drawing(f"languages-{slug(model)}", f"Languages, {bounded(model)}", caption, rows, axes.figure)


@figure_style()
def length_curves(measures: pd.DataFrame) -> list[Drawing]:
    """Returns one figure a data set and model: R@1 in both directions against the number of words."""
    rows = headlines_of(measures)
    return [_curves(*key, group) for key, group in rows.groupby(["dataset", "model"], sort=False)]


def _curves(dataset: str, model: str, rows: pd.DataFrame) -> Drawing:
    rows = rows.assign(place=_places(rows["words"]))
    axes = new_axes(5.2, 3.4)
    for metric, line in rows.groupby("metric", sort=False):
        colour = DIRECTION_COLOURS.get(metric[:3], INK)
        cut = line["words"].notna()
        axes.plot(line["place"], 100 * line["value"], color=colour, linestyle=":")
        axes.plot(line["place"][cut], 100 * line["value"][cut], color=colour, label=metric_label(metric))
        axes.scatter(line["place"], 100 * line["value"], color=colour, s=24, zorder=3)
    _chance_line(axes, rows)
    ticks = rows.drop_duplicates("place")
    axes.set_xticks(ticks["place"], [bounded(variant, 12) for variant in ticks["variant"]])
    axes.set(xlabel="words of the description", ylabel="R@1 in %", ylim=(0, None), title=shortened(model, 50))
    axes.figure.legend(loc="outside lower center", ncols=3, frameon=False)
    caption = "Lengths in doublings; “all” is the whole description, at no scale."
    name = f"long-texts-{slug(dataset)}-{slug(model)}"
    return Drawing(name, f"Recall by length of text, {bounded(dataset)}", caption, rows, axes.figure)


def _places(words: pd.Series) -> pd.Series:
    """Returns where lengths stand on the axis: doublings, the whole text to the right of the longest cut."""
    doublings = words.map(math.log2)
    return doublings.fillna(doublings.max() + WHOLE_STEP if doublings.notna().any() else 0.0)


def _chance_line(axes: "Axes", rows: pd.DataFrame) -> None:
    if rows["chance"].notna().any():
        axes.axhline(100 * rows["chance"].max(), color=INK, linestyle="--", linewidth=1, label=CHANCE)
