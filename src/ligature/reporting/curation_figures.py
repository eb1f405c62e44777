"""Figures of curation: rows over concepts before and after, rarity, the funnel of rows, link rot."""

from typing import TYPE_CHECKING

import pandas as pd

from ligature.reporting.curation_readings import KEPT, SUCCESS
from ligature.reporting.drawing import INK, Drawing, figure_style, new_axes
from ligature.reporting.text import PERCENT, percent, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = {
    "pool": ("random subset of the pool", "#D55E00", "-"),
    "kept": ("selected", "#0072B2", "-"),
    "final": ("reached the mix", "#009E73", "--"),
}
STATUSES = 7
OTHER = "other reasons"
SUCCESS_COLOUR = "#009E73"


@figure_style()
def coverage_curves(concepts: pd.DataFrame) -> Drawing:
    """Returns the rows of every concept in falling order, each curve sorted by itself: before, after, in the mix."""
    sorts = {
        column: concepts[column].sort_values(ascending=False).to_numpy()
        for column in CURVES
        if concepts[column].notna().any()
    }
    data = pd.DataFrame({"place": range(1, len(concepts) + 1)} | sorts)
    axes = new_axes(5.2, 3.4)
    for column in sorts:
        label, colour, line = CURVES[column]
        axes.plot(data["place"], data[column], color=colour, linestyle=line, linewidth=1.8, label=label)
    axes.axhline(concepts["asked"].median(), color=INK, linestyle=":", linewidth=1, label="asked for (median)")
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    highest = max(concepts["asked"].median(), *(counts[0] for counts in sorts.values()))
    axes.set(xlabel="concepts, most rows first", ylabel="rows", title="Rows a concept", ylim=(0, 1.5 * highest))
    axes.figure.legend(loc="outside lower center", ncols=2, frameon=False)
    caption = "Logarithmic above one row. Every curve is sorted by itself; the flatter, the more even."
    return Drawing("curation-coverage", "Concept coverage before and after", caption, data, axes.figure)


@figure_style()
def rarity_curve(concepts: pd.DataFrame) -> Drawing:
    """Returns the k-th best and the mean score of the captions of every concept, against its place in rarity."""
    data = concepts[["rarity_rank", "name", "kth_score", "mean_score"]]
    axes = new_axes(5.2, 3.4)
    axes.plot(data["rarity_rank"] + 1, data["kth_score"], color="#0072B2", linewidth=1.8, label="k-th best score")
    axes.plot(data["rarity_rank"] + 1, data["mean_score"], color="#999999", linewidth=1.2, label="mean score")
    axes.set(xlabel="place, rarest concept first", ylabel="cosine to the concept", title="Rarity")
    axes.figure.legend(loc="outside lower center", ncols=2, frameon=False)
    caption = "How well the best captions of the pool match a concept; a low k-th score means that few do."
    return Drawing("curation-rarity", "Score against rarity", caption, data, axes.figure)


@figure_style()
def funnel_bars(funnel: pd.DataFrame) -> Drawing:
    """Returns a bar a step and reason: the share of the rows that came into the step, stacked by source."""
    from matplotlib.ticker import PercentFormatter

    came = funnel.drop_duplicates(["step", "source"]).groupby("step", sort=False)["rows_in"].sum()
    data = funnel.assign(share=funnel["rows"] / funnel["step"].map(came))
    order = {step: place for place, step in enumerate(came.index)}
    bars = sorted(
        dict.fromkeys(zip(data["step"], data["reason"], strict=True)), key=lambda bar: (order[bar[0]], bar[1] == KEPT)
    )
    shares = data.pivot_table(index=["step", "reason"], columns="source", values="share", aggfunc="sum", sort=False)
    shares = shares.reindex(index=bars).fillna(0.0)
    axes = new_axes(7.6, 1.3 + 0.23 * len(bars))
    labels = [f"{shortened(step, 20)}: {shortened(reason, 28)}" for step, reason in bars]
    _stack(axes, shares, _palette(shares.columns))
    for place, share in enumerate(shares.sum(axis=1)):
        axes.text(share + 0.01, place, percent(share, PERCENT), va="center", fontsize=8)
    axes.set_yticks(range(len(bars)), labels)
    axes.set(xlim=(0, 1.12), xlabel="share of the rows that came into the step", title="Where the rows went")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    for label, (_, reason) in zip(axes.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if reason == KEPT else "normal")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, title="source")
    return Drawing("curation-funnel", "The funnel of rows", "Steps from top to bottom, in order.", data, axes.figure)


@figure_style()
def link_rot_bars(downloads: pd.DataFrame) -> Drawing:
    """Returns a bar a set: the share of its rows by status, what arrived first; rare reasons put together."""
    from matplotlib.ticker import PercentFormatter

    sizes = downloads[downloads["status"] != SUCCESS].groupby("status")["rows"].sum()
    shown = list(sizes.sort_values(ascending=False, kind="stable").index)
    shown = shown if len(shown) <= STATUSES else shown[: STATUSES - 1]
    status = downloads["status"].where(downloads["status"].isin([SUCCESS, *shown]), OTHER)
    table = downloads.assign(status=status).groupby(["set", "status"], sort=False)["rows"].sum().unstack(fill_value=0)
    columns = [name for name in [SUCCESS, *shown, OTHER] if name in table]
    shares = table[columns].div(table.sum(axis=1), axis=0).fillna(0.0)
    axes = new_axes(7.6, max(2.6, 1.2 + 0.32 * len(shares)))
    _stack(axes, shares, {SUCCESS: SUCCESS_COLOUR} | _palette([name for name in columns if name != SUCCESS], "rocket"))
    axes.set_yticks(range(len(shares)), [shortened(name, 28) for name in shares.index])
    axes.set(xlim=(0, 1), xlabel="share of the rows of the set", title="What arrived, and why the rest did not")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False)
    return Drawing("download-status", "Link rot", "Rows by status.", shares.reset_index(), axes.figure)


def _palette(names: pd.Index | list[str], palette: str = "colorblind") -> dict[str, str]:
    import seaborn

    return dict(zip(names, seaborn.color_palette(palette, len(names)).as_hex(), strict=True))


def _stack(axes: "Axes", shares: pd.DataFrame, colours: dict[str, str]) -> None:
    """Draws a horizontal bar a row, top to bottom, stacked by column."""
    left = pd.Series(0.0, index=shares.index)
    for name in shares.columns:
        axes.barh(
            range(len(shares)),
            shares[name],
            left=left,
            height=0.72,
            color=colours[name],
            linewidth=0,
            label=shortened(name, 26),
        )
        left = left + shares[name]
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
