"""Figures of kernel CKA: against matching accuracy over vision encoders, and on true and shuffled pairs."""

import math

import pandas as pd

from ligature.reporting.drawing import Drawing, figure_style, new_axes
from ligature.reporting.matching.cka import METRIC, ORDERS, PAIR, correlation_label, rank_correlations
from ligature.reporting.matching.labels import Style, label_tops
from ligature.reporting.matching.rows import described, method_label
from ligature.reporting.reproduction.quoted import quoted_figures
from ligature.reporting.text import bounded, metric_label, number, shortened, slug

ORDER_COLOURS = {"true": "#0072B2", "half-shuffled": "#56B4E9", "shuffled": "#999999"}
QUOTED = ("ImageNet-1k supervised", "LVD-142M (DINOv2)")
"""Published encoders that the caption names, by their training data."""
MOST_PAIRS = 16
DODGE = 0.012
"""Distance of methods of one encoder, as a share of the width, so that their intervals can be told apart."""


@figure_style()
def agreement_scatters(points: pd.DataFrame, styles: dict[str, Style]) -> list[Drawing]:
    """Returns one figure an experiment and text encoder: matching accuracy against kernel CKA, a point an encoder.

    Args:
        points: rows of ``agreement_points``.
        styles: the methods to draw.
    """
    groups = points[points["model"].isin(styles)].groupby(["experiment", "text"], sort=False)
    return [_scatter(*key, rows, styles) for key, rows in groups]


def _scatter(name: str, text: str, rows: pd.DataFrame, styles: dict[str, Style]) -> Drawing:
    axes = new_axes(5.2, 4.4)
    correlations = rank_correlations(rows).set_index("model")
    shown = [model for model in styles if (rows["model"] == model).any()]
    step = DODGE * max(rows[METRIC].max() - rows[METRIC].min(), 1e-3)
    for place, model in enumerate(shown):
        line = rows[rows["model"] == model]
        ends = (line["value"] - line["low"], line["high"] - line["value"])
        axes.errorbar(
            line[METRIC] + step * (place - (len(shown) - 1) / 2),
            100 * line["value"],
            yerr=[100 * end.fillna(0).clip(lower=0) for end in ends],
            color=styles[model].colour,
            marker=styles[model].marker,
            linestyle="none",
            capsize=2,
            label=f"{method_label(model)}: {correlation_label(correlations.loc[model])}",
        )
    axes.margins(x=0.08)
    axes.set(xlabel=metric_label(METRIC), ylabel="matching accuracy in %")
    axes.set_ylim(0, None)
    axes.set_xlim(*axes.get_xlim())
    tops = rows.drop_duplicates("vision")
    label_tops(axes, [(row.cka_rbf, shortened(row.vision, 22)) for row in tops.itertuples()])
    axes.figure.legend(loc="outside lower center", ncols=1, frameon=False)
    return Drawing(
        name=f"matching-cka-{slug(name)}+{slug(text)}",
        title=f"Kernel CKA and matching accuracy, {bounded(name)}",
        caption=f"{described(rows)}. ρ is Spearman's, over vision encoders; bars are 95\u00a0% intervals over draws. "
        f"{published_ranges()}",
        data=rows[["experiment", "query", "vision", "text", "model", METRIC, "value", "low", "high"]],
        canvas=axes.figure,
    )


def published_ranges() -> str:
    """Returns what the published figure shows of some encoders, in one sentence."""
    figures = quoted_figures()
    values = figures[figures["table"] == "Matching figure"].set_index(["row", "metric"])["value"]
    parts = [
        f"{row}, CKA {values[row, 'kernel CKA from']:.2f} to {values[row, 'kernel CKA to']:.2f} with QAP at "
        f"{values[row, 'QAP accuracy from']:.0f} to {values[row, 'QAP accuracy to']:.0f}\u00a0%"
        for row in QUOTED
    ]
    return f"Published (read off a figure, at another scale): {'; '.join(parts)}."


@figure_style()
def shuffle_bars(cka: pd.DataFrame) -> list[Drawing]:
    """Returns one figure: kernel CKA of true, half-shuffled and shuffled pairs, a group an encoder pair."""
    rows = cka[cka["metric"] == METRIC]
    pairs = list(rows[PAIR].drop_duplicates().itertuples(index=False, name=None))[:MOST_PAIRS]
    if not pairs:
        return []
    values = rows.groupby([*PAIR, "order"], sort=False)["value"].mean()
    orders = [order for order in ORDERS if order in set(rows["order"])]
    axes = new_axes(5.2, 1.0 + 0.52 * len(pairs))
    for place, order in enumerate(orders):
        widths = [float(values.get((*pair, order), float("nan"))) for pair in pairs]
        centres = [index + 0.26 * (place - 1) for index in range(len(pairs))]
        axes.barh(centres, widths, height=0.24, color=ORDER_COLOURS[order], label=order, linewidth=0)
        for width, centre in zip(widths, centres, strict=True):
            if not math.isnan(width):
                place = {"xytext": (3, 0), "textcoords": "offset points", "va": "center", "fontsize": 7}
                axes.annotate(number(width, 2), (max(width, 0), centre), **place)
    axes.set_yticks(range(len(pairs)), [_pair_label(pair, len({pair[0] for pair in pairs}) > 1) for pair in pairs])
    axes.set(xlabel=metric_label(METRIC), ylim=(len(pairs) - 0.5, -0.5))
    axes.margins(x=0.1)
    axes.grid(visible=False, axis="y")
    axes.figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return [
        Drawing(
            name="matching-shuffles",
            title="Kernel CKA of true and shuffled pairs",
            caption="Half-shuffled: half of the captions change places. Means over shuffles.",
            data=rows,
            canvas=axes.figure,
        )
    ]


def _pair_label(pair: tuple[str, ...], with_dataset: bool) -> str:
    lines = [shortened(pair[1], 22), f"+ {shortened(pair[2], 22)}"]
    return "\n".join([*lines, *([shortened(pair[0], 20)] if with_dataset else [])])
