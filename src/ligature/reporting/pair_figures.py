"""Figures of pair discovery: similarity of every pair, and whether it predicts retrieval and loss."""

from typing import TYPE_CHECKING

import pandas as pd

from ligature.reporting.correlations import LOSS, METRICS, recall_targets, spearman
from ligature.reporting.drawing import INK, Drawing, figure_style, new_axes
from ligature.reporting.text import bounded, is_fraction, metric_label, number, plural, shortened, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIMILARITY = "cka_debiased"
MARKERS = "osD^vP*X<>phd8"
FEWEST_POINTS = 3


@figure_style()
def similarity_heatmaps(pairs: pd.DataFrame, chosen: dict) -> list[Drawing]:
    """Returns one heatmap a data set, vision x text, all on one colour scale, the chosen pair outlined."""
    order = [pairs.groupby(side)[SIMILARITY].mean().sort_values(ascending=False).index for side in ("vision", "text")]
    limits = {"vmin": min(0.0, pairs[SIMILARITY].min()), "vmax": max(pairs[SIMILARITY].max(), 1e-6)}
    return [
        _heatmap(dataset, rows.pivot(index="vision", columns="text", values=SIMILARITY), order, limits, chosen)
        for dataset, rows in pairs.groupby("dataset", sort=False)
    ]


def _heatmap(dataset: str, matrix: pd.DataFrame, order: list, limits: dict, chosen: dict) -> Drawing:
    import seaborn

    matrix = matrix.reindex(index=order[0], columns=order[1])
    axes = new_axes(max(4.0, 2.6 + 0.75 * matrix.shape[1]), 1.6 + 0.42 * matrix.shape[0])
    seaborn.heatmap(
        matrix,
        ax=axes,
        annot=True,
        fmt=".2f",
        cmap="viridis",
        linewidths=1,
        xticklabels=[shortened(name, 28) for name in matrix.columns],
        yticklabels=[shortened(name, 28) for name in matrix.index],
        cbar_kws={"label": metric_label(SIMILARITY)},
        **limits,
    )
    axes.set(xlabel="text encoder", ylabel="vision encoder", title=bounded(dataset, 40))
    axes.set_xticklabels(axes.get_xticklabels(), rotation=30, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="y", rotation=0)
    if chosen["vision"] in matrix.index and chosen["text"] in matrix.columns:
        _outline(axes, matrix.columns.get_loc(chosen["text"]), matrix.index.get_loc(chosen["vision"]))
    return Drawing(
        name=f"similarity-{slug(dataset)}",
        title=f"Similarity of every pair on {bounded(dataset)}",
        caption=f"{metric_label(SIMILARITY)}, best encoders first; the chosen pair is outlined.",
        data=matrix.reset_index(),
        canvas=axes.figure,
    )


def _outline(axes: "Axes", column: int, row: int) -> None:
    from matplotlib.patches import Rectangle

    box = {"width": 1, "height": 1, "fill": False, "clip_on": False, "zorder": 5}
    axes.add_patch(Rectangle((column, row), edgecolor="white", linewidth=5, **box))
    axes.add_patch(Rectangle((column, row), edgecolor="#D55E00", linewidth=3, **box))


@figure_style()
def prediction_scatters(pairs: pd.DataFrame, correlations: pd.DataFrame, chosen: dict) -> list[Drawing]:
    """Returns what similarity predicts, one point a pair: first the probe's loss, then its recall by every metric.

    There is one figure a data set for the loss, and one a data set, metric and recall; none without a probe.
    """
    if LOSS not in pairs:
        return []
    questions = [(SIMILARITY, LOSS)]
    questions += [(metric, target) for target in recall_targets(pairs, correlations) for metric in METRICS]
    drawings = [
        _scatter(dataset, rows.dropna(subset=[metric, target]), metric, target, correlations, chosen)
        for dataset, rows in pairs.groupby("dataset", sort=False)
        for metric, target in questions
        if len(rows.dropna(subset=[metric, target])) >= FEWEST_POINTS
    ]
    return sorted(drawings, key=lambda drawing: LOSS not in drawing.data)


def _scatter(
    dataset: str, rows: pd.DataFrame, metric: str, target: str, correlations: pd.DataFrame, chosen: dict
) -> Drawing:
    with_legend = target == LOSS
    entries = 2 + rows["vision"].nunique() + rows["text"].nunique()
    axes = new_axes(5.2, max(3.6, 0.5 + 0.19 * entries)) if with_legend else new_axes(2.65, 2.6)
    _points(axes, rows, metric, target, with_legend)
    is_chosen = (rows["vision"] == chosen["vision"]) & (rows["text"] == chosen["text"])
    axes.scatter(
        rows.loc[is_chosen, metric],
        _shown(rows, target)[is_chosen],
        s=140,
        facecolor="none",
        edgecolor=INK,
        linewidth=1.5,
    )
    axes.margins(0.1)
    axes.set(xlabel=metric_label(metric), ylabel=f"probe {metric_label(target)}" + " in %" * is_fraction(target))
    rank = spearman(correlations, dataset, metric, target)
    axes.set_title(bounded(dataset, 24) + (f": ρ = {number(rank, 2)}" if rank is not None else ""))
    return Drawing(
        name=f"prediction-{slug(dataset)}-{metric}-{target.removeprefix('probe_').replace('@', '-')}",
        title=f"{metric_label(metric)} and {metric_label(target)}, {bounded(dataset)}",
        caption=f"{plural(len(rows), 'pair')}, the chosen one ringed; ρ is Spearman's."
        + ("" if with_legend else " Colours as for the loss."),
        data=rows[["vision", "text", metric, target]],
        canvas=axes.figure,
    )


def _points(axes: "Axes", rows: pd.DataFrame, metric: str, target: str, with_legend: bool) -> None:
    import seaborn

    visions, texts = (sorted(rows[side].unique()) for side in ("vision", "text"))
    seaborn.scatterplot(
        data=rows.assign(**{target: _shown(rows, target)}),
        x=metric,
        y=target,
        hue="vision",
        hue_order=visions,
        style="text",
        style_order=texts,
        palette=seaborn.color_palette("colorblind", len(visions)),
        markers={text: MARKERS[index % len(MARKERS)] for index, text in enumerate(texts)},
        s=60 if with_legend else 40,
        legend=with_legend,
        ax=axes,
    )
    if with_legend:
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False)
        for label in legend.get_texts():
            label.set_text(shortened(label.get_text(), 26))


def _shown(rows: pd.DataFrame, target: str) -> pd.Series:
    return 100 * rows[target] if is_fraction(target) else rows[target]
