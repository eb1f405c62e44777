"""Figures of training: loss, validation recall, temperature and learning rate over the steps."""

import re
from typing import TYPE_CHECKING

import pandas as pd

from ligature.reporting.drawing import DIRECTION_COLOURS, Drawing, figure_style, new_axes
from ligature.reporting.text import metric_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RECALL = re.compile(r"recall@(\d+)$")
DASHES = ("-", "--", ":", "-.")
CURVES = {
    "train_loss": "Training loss",
    "temperature": "Temperature of the loss",
    "learning_rate": "Learning rate",
}


def recall_columns(history: pd.DataFrame) -> list[str]:
    """Returns the validation columns that hold recall at k and have values."""
    return [column for column in history if RECALL.search(column) and history[column].notna().any()]


@figure_style()
def training_curves(history: pd.DataFrame) -> list[Drawing]:
    """Returns the curves over optimiser steps; recall only where it was measured."""
    curves = [_curve(history, column, title) for column, title in CURVES.items()]
    columns = recall_columns(history)
    return [curves[0], *([_recall_curves(history, columns)] if columns else []), *curves[1:]]


def _curve(history: pd.DataFrame, column: str, title: str) -> Drawing:
    rows = history[["step", column]].dropna()
    axes = new_axes(5.2, 2.9)
    axes.plot(rows["step"], rows[column], color="#444444", marker="o" if len(rows) < 2 else None)
    axes.set(xlabel="step", ylabel=title.lower(), title=title)
    return _drawing(column, title, f"Every logged step, {len(rows):,} of them.", rows, axes)


def _recall_curves(history: pd.DataFrame, columns: list[str]) -> Drawing:
    rows = history[["step", *columns]].dropna(how="all", subset=columns)
    axes = new_axes(5.2, 2.9)
    ks = sorted({int(RECALL.search(column)[1]) for column in columns})
    for column in columns:
        k = int(RECALL.search(column)[1])
        direction = next((name for name in DIRECTION_COLOURS if name in column), None)
        axes.plot(
            rows["step"],
            100 * rows[column],
            color=DIRECTION_COLOURS.get(direction, "#444444"),
            linestyle=DASHES[ks.index(k) % len(DASHES)],
            marker="." if len(rows) < 30 else None,
            label=metric_label(column),
        )
    axes.set(xlabel="step", ylabel="recall in %", title="Validation recall", ylim=(0, None))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False)
    return _drawing("validation-recall", "Validation recall", "Measured during training.", rows, axes)


def _drawing(name: str, title: str, caption: str, data: pd.DataFrame, axes: "Axes") -> Drawing:
    return Drawing(f"training-{name.replace('_', '-')}", title, caption, data, axes.figure)
