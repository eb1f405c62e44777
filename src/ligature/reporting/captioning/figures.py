"""Figures of captioning: scores by the number of pairs, what noise does, and losses."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ligature.reporting.captioning.comparisons import (
    CENTRED,
    COSINE,
    NOISY_CIDER,
    Measure,
    levels,
    share_kept,
    values_of,
)
from ligature.reporting.captioning.controls import SHUFFLED
from ligature.reporting.captioning.estimates import over_seeds
from ligature.reporting.captioning.panels import Page, add_legend, line_styles, pages, panels_of
from ligature.reporting.captioning.runs import most_pairs, pairs_label, pairs_rank
from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.captioning.tables import SCORES
from ligature.reporting.drawing import INK, Drawing, figure_style

POINT_COLUMNS = ["run", "pairs", "metric", "value", "low", "high", "seeds"]
VOCABULARY = (
    Measure("visual tokens", "effective_vocabulary", "effective vocabulary, tokens"),
    Measure("visual tokens", "entropy_share", "share of the vocabulary, %", 100.0),
    Measure("visual tokens", "token_spread", "spread of visual tokens"),
)
MOST_PANELS = 4
LINE = {"linewidth": 1.4, "capsize": 2.5, "elinewidth": 0.9}
BARS = " Bars are 95\u00a0% intervals over seeds."


@figure_style()
def pairs_figures(inputs: CaptioningInputs) -> list[Drawing]:
    """Returns scores by the number of training pairs, a panel a score, with the level of chance."""
    title = "Captions by the number of training pairs"
    caption = "On captions without examples, means over data sets; the dotted line is chance."
    return _by_pairs(inputs, SCORES, "captioning-pairs", title, caption)


@figure_style()
def vocabulary_figures(inputs: CaptioningInputs) -> list[Drawing]:
    """Returns how many tokens a mixture uses in the end, by the number of training pairs."""
    caption = (
        "The exponential of the entropy of the mixture, and its share of all tokens, of connectors that mix; the "
        "spread of visual tokens is in standard deviations of the token embeddings."
    )
    return _by_pairs(inputs, VOCABULARY, "captioning-vocabulary", "The vocabulary of visual tokens at the end", caption)


def _by_pairs(
    inputs: CaptioningInputs, measures: Sequence[Measure], name: str, title: str, caption: str
) -> list[Drawing]:
    points = pair_points(inputs, measures)
    drawn = [measure for measure in measures if (points["metric"] == measure.metric).any()][:MOST_PANELS]
    found = []
    for page in pages(inputs.runs[inputs.runs["run"].isin(points["run"])]):
        rows = points[points["run"].isin(page.runs["run"])]
        figure, panels = panels_of(len(drawn))
        for axes, measure in zip(panels, drawn, strict=True):
            _pairs_panel(axes, rows[rows["metric"] == measure.metric], page)
            axes.set_title(measure.label)
            _mark_chance(axes, inputs, measure)
        add_legend(figure, panels)
        bars = BARS if (rows["seeds"] > 1).any() else ""
        found.append(Drawing(f"{name}-{page.name}", f"{title}{page.title}", caption + bars, rows, figure))
    return found


def pair_points(inputs: CaptioningInputs, measures: Sequence[Measure]) -> pd.DataFrame:
    """Returns the estimate of every measure of every run at every number of pairs, the mean over data sets."""
    found = []
    for _, run in inputs.runs.iterrows():
        for measure in measures:
            one = over_seeds(values_of(inputs.results, measure, run["run"], run["pairs"]))
            if one.seeds:
                key = (run["run"], run["pairs"], measure.metric)
                found.append((*key, one.value, one.low, one.high, one.seeds))
    return pd.DataFrame(found, columns=POINT_COLUMNS)


def _pairs_panel(axes, rows: pd.DataFrame, page: Page) -> None:
    order = sorted(rows["pairs"].unique(), key=pairs_rank)
    places = {pairs: place for place, pairs in enumerate(order)}
    styles = line_styles(page)
    for place, (_, run) in enumerate(page.runs.iterrows()):
        own = rows[rows["run"] == run["run"]]
        if len(own):
            shift = 0.06 * (place - (len(page.runs) - 1) / 2)
            _line(axes, own["pairs"].map(places) + shift, own, run["label"], styles[run["run"]])
    axes.set_xticks(range(len(order)), [_tick(pairs) for pairs in order])
    axes.set(xlabel="training pairs", xlim=(-0.5, len(order) - 0.5))
    _show_zero(axes)


def _show_zero(axes) -> None:
    """Takes zero into the panel, and leaves room for whole markers at the top."""
    low, high = axes.get_ylim()
    low = min(0, low)
    axes.set_ylim(low, high + 0.05 * (high - low))


def _tick(pairs: str) -> str:
    return pairs_label(pairs).removesuffix(" pairs").removesuffix(" pair")


def _line(axes, x: pd.Series, rows: pd.DataFrame, label: str, style: dict) -> None:
    """Draws points joined by a line, with their intervals where they have one."""
    value, low, high = (rows[column].to_numpy() for column in ("value", "low", "high"))
    ends = np.nan_to_num([value - low, high - value])
    axes.errorbar(x.to_numpy(), value, yerr=ends, label=label, **LINE, **style)


def _mark_chance(axes, inputs: CaptioningInputs, measure: Measure) -> None:
    rows = inputs.results[(inputs.results["model"] == SHUFFLED) & (inputs.results["metric"] == measure.metric)]
    rows = rows[(rows["task"] == measure.task) & (rows["shots"] == 0)]
    if len(rows):
        axes.axhline(measure.scale * rows["value"].mean(), color=INK, linestyle=":", linewidth=1)


@figure_style()
def noise_figures(inputs: CaptioningInputs) -> list[Drawing]:
    """Returns what noise on the vision features does, at the largest number of pairs."""
    measured = levels(inputs.results)
    if not measured or not measured[-1]:
        return []
    pairs = most_pairs(inputs.runs)
    points = noise_points(inputs, pairs)
    titles = list(dict.fromkeys(points["metric"]))
    found = []
    for page in pages(inputs.runs[inputs.runs["run"].isin(points["run"])]):
        rows, styles = points[points["run"].isin(page.runs["run"])], line_styles(page)
        figure, panels = panels_of(min(4, max(2, len(titles))))
        for axes, title in zip(panels, titles, strict=False):
            for _, run in page.runs.iterrows():
                own = rows[(rows["run"] == run["run"]) & (rows["metric"] == title)]
                if len(own):
                    _line(axes, own["noise"], own, run["label"], styles[run["run"]])
            axes.set(title=title, xlabel="noise")
            _show_zero(axes)
        add_legend(figure, panels)
        caption = (
            f"Trained on {pairs_label(pairs)}. Noise is Gaussian, in standard deviations of the vision features, and "
            "the same for all connectors; the centred distance is that after the mean visual token is taken away."
        )
        bars = BARS if (rows["seeds"] > 1).any() else ""
        title = f"Captions under noise{page.title}"
        found.append(Drawing(f"captioning-noise-{page.name}", title, caption + bars, rows, figure))
    return found


def noise_points(inputs: CaptioningInputs, pairs: str) -> pd.DataFrame:
    """Returns CIDEr-D, the share of it that is kept and both cosine distances at every level, trained on ``pairs``."""
    found = []
    for name in inputs.runs.loc[inputs.runs["pairs"] == pairs, "run"]:
        for level in levels(inputs.results):
            values = {
                measure.label: values_of(inputs.results, measure, name, pairs, noise=level)
                for measure in (NOISY_CIDER, COSINE, CENTRED)
            }
            kept = {"CIDEr-D kept, %": 100 * share_kept(inputs.results, name, pairs, level)}
            for metric, series in ({NOISY_CIDER.label: values.pop(NOISY_CIDER.label)} | kept | values).items():
                one = over_seeds(series)
                if one.seeds:
                    found.append((name, pairs, metric, one.value, one.low, one.high, one.seeds, level))
    return pd.DataFrame(found, columns=[*POINT_COLUMNS, "noise"])


LOSSES = {"train_loss": "training loss", "validation_loss": "validation loss"}


@figure_style()
def loss_figures(inputs: CaptioningInputs) -> list[Drawing]:
    """Returns losses over the steps of every stage at the largest number of pairs, bands from lowest to highest."""
    if inputs.trajectories.empty:
        return []
    pairs = most_pairs(inputs.runs)
    rows = inputs.trajectories[inputs.trajectories["metric"].isin(LOSSES) & (inputs.trajectories["pairs"] == pairs)]
    rows = rows.dropna(subset=["value"])
    return [
        _losses(rows[rows["run"].isin(page.runs["run"])], page, pairs)
        for page in pages(inputs.runs[inputs.runs["run"].isin(rows["run"])])
    ]


def _losses(rows: pd.DataFrame, page: Page, pairs: str) -> Drawing:
    stages = list(dict.fromkeys(rows["stage"]))[:MOST_PANELS]
    metrics = [metric for metric in LOSSES if (rows["metric"] == metric).any()]
    across = len(metrics) if len(stages) == 1 else len(stages)
    figure, panels = panels_of(across, 1 if len(stages) == 1 else len(metrics))
    cells = [(metric, stage) for metric in metrics for stage in stages]
    for axes, (metric, stage) in zip(panels, cells, strict=True):
        own = rows[(rows["metric"] == metric) & (rows["stage"] == stage)]
        _loss_panel(axes, own, page)
        axes.set_title(LOSSES[metric] + (f", stage {stage}" if len(stages) > 1 else ""))
        axes.set_xlabel("step")
    add_legend(figure, panels)
    return Drawing(
        name=f"captioning-losses-{page.name}",
        title=f"Losses{page.title}",
        caption=f"In nats a token of the caption, trained on {pairs_label(pairs)}; no training saw the validation set. "
        "Bands reach from the lowest seed to the highest.",
        data=rows,
        canvas=figure,
    )


def _loss_panel(axes, rows: pd.DataFrame, page: Page) -> None:
    styles = line_styles(page)
    for _, run in page.runs.iterrows():
        by_step = rows[rows["run"] == run["run"]].groupby("step")["value"].agg(["mean", "min", "max"])
        if len(by_step):
            style = styles[run["run"]] | ({} if len(by_step) <= 12 else {"marker": None})
            axes.plot(by_step.index, by_step["mean"], linewidth=1.4, label=run["label"], **style)
            axes.fill_between(
                by_step.index, by_step["min"], by_step["max"], color=style["color"], alpha=0.15, linewidth=0
            )
