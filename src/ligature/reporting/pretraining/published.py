"""Published figures of AlignCLIP with where they come from, and ours beside them."""

from functools import cache

import pandas as pd

from ligature.reporting.pretraining.comparisons import ALIGN, CLIP, SHARED, matching_runs
from ligature.reporting.pretraining.sources import PretrainingInputs
from ligature.reporting.readers import read_published
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, metric_header, number, slug

TITLES = {
    "AlignCLIP scores": "Alignment scores, the lowest and the highest over data sets",
    "AlignCLIP zero-shot": "Zero-shot classification, in %",
    "AlignCLIP shift": "Zero-shot classification under distribution shift, in %",
    "AlignCLIP reproduction": "An independent reproduction, in which AlignCLIP is below CLIP, in %",
}
OURS = "this study"
THEIRS = "published"
VARIANTS = {"CLIP": CLIP, "SharedCLIP": SHARED, "AlignCLIP": ALIGN}
BESIDE = {"gap": ("alignment_score",), "classification": ("top1", "top5")}
"""Metrics of a task that were published too."""


@cache
def published_alignclip() -> pd.DataFrame:
    """Returns one row a figure: table, row, dataset, metric, value, source, note; a direction alone has no value."""
    return read_published("ligature.reporting.pretraining")


def published_tables() -> list[Table]:
    """Returns the published tables, a row a model and a column a data set and metric."""
    figures = published_alignclip()
    return [_crossed(name, title, figures[figures["table"] == name]) for name, title in TITLES.items()]


def _crossed(name: str, title: str, rows: pd.DataFrame) -> Table:
    shown = rows.dropna(subset=["value"])
    several = shown["dataset"].nunique() > 1
    columns = list(shown[["dataset", "metric"]].drop_duplicates().itertuples(index=False, name=None))
    values = shown.set_index(["row", "dataset", "metric"])["value"]
    labels = list(dict.fromkeys(shown["row"]))
    return Table(
        name=f"published-{slug(name.replace(' ', '-'))}",
        caption=f"{title}. Published, not measured here: {'; '.join(dict.fromkeys(rows['source']))}. {_notes(rows)}",
        data=rows,
        header=[
            "model",
            *(
                f"{dataset}, {metric_header(metric)}" if several else metric_header(metric)
                for dataset, metric in columns
            ),
        ],
        rows=[[label, *(_value(values.get((label, *column))) for column in columns)] for label in labels],
        muted=frozenset(range(len(labels))),
    )


def _notes(rows: pd.DataFrame) -> str:
    """Returns the notes of a table, those on a figure without a value with what they are on."""
    notes = [
        row.note if pd.notna(row.value) else f"{row.row} on {row.dataset}: {row.note}"
        for row in rows.itertuples()
        if row.note
    ]
    return f"Notes: {'. '.join(note[:1].upper() + note[1:] for note in notes)}." if notes else ""


def _value(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.10g}"


def beside_alignclip(inputs: PretrainingInputs) -> Table:
    """Returns our CLIP, SharedCLIP and AlignCLIP and the published ones, one row a value, told apart by ``source``.

    Values are percents for classification and cosines for the alignment score; ours are means over seeds, each run by
    itself, and a direction that was published without a value is left out.
    """
    theirs = published_alignclip().dropna(subset=["value"]).rename(columns={"row": "model"})
    theirs = theirs.assign(source=THEIRS + " (" + theirs["source"] + ")")
    columns = ["source", "model", "dataset", "metric", "value"]
    data = pd.concat([_ours(inputs)[columns], theirs[columns]], ignore_index=True)
    return Table(
        name="beside-published-alignclip",
        caption="CLIP, SharedCLIP and AlignCLIP: this study and, at another scale, the published figures.",
        data=data,
        header=["source", "model", "data set", "metric", "value"],
        rows=[
            (*map(bounded, (row.source, row.model, row.dataset)), metric_header(row.metric), number(row.value, 2))
            for row in data.itertuples()
        ],
        text_columns=4,
        muted=frozenset(data.index[data["source"] != OURS]),
    )


def _ours(inputs: PretrainingInputs) -> pd.DataFrame:
    labels = {run["run"]: run["label"] for side in VARIANTS.values() for run in matching_runs(inputs.runs, side)}
    rows = inputs.results[inputs.results["model"].isin(labels) & (inputs.results["variant"] == "")]
    rows = pd.concat([rows[(rows["task"] == task) & rows["metric"].isin(BESIDE[task])] for task in BESIDE])
    means = rows.groupby(["task", "model", "dataset", "metric"], sort=False)["value"].mean().reset_index()
    percents = means["value"].where(means["task"] == "gap", 100 * means["value"])
    return means.assign(source=OURS, model=means["model"].map(labels), value=percents)
