"""Published figures of AlignVLM with where they come from, and ours beside them."""

from functools import cache

import pandas as pd

from ligature.reporting.captioning.comparisons import CIDER, levels, share_kept, values_of
from ligature.reporting.captioning.runs import pairs_label
from ligature.reporting.captioning.sources import SPEEDS, CaptioningInputs
from ligature.reporting.captioning.tables import SCORES
from ligature.reporting.readers import read_published
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, number, slug

TITLES = {
    "AlignVLM documents": "Document understanding of connectors and of whole models, in %",
    "AlignVLM low resource": "Connectors with little data, in %",
    "AlignVLM vocabulary": "ALIGN over all tokens and over the most frequent ones, in %",
    "AlignVLM noise": "Noise on the vision features, scores in %",
    "AlignVLM speed": "Speed and memory of connectors",
    "AlignVLM unofficial": "Captions of an unofficial implementation, which are worse with ALIGN than without",
}
OURS = "this study"
THEIRS = "published"
SPEED_NAMES = dict(zip(SPEEDS, ("images/s", "tokens/s", "seconds a step", "peak memory, MiB"), strict=True))


@cache
def published_alignvlm() -> pd.DataFrame:
    """Returns one row a figure: table, row, dataset, metric, value, source, note."""
    return read_published("ligature.reporting.captioning")


def published_tables() -> list[Table]:
    """Returns the published tables, a row a model and a column a data set and metric."""
    figures = published_alignvlm()
    return [_crossed(name, title, figures[figures["table"] == name]) for name, title in TITLES.items()]


def _crossed(name: str, title: str, rows: pd.DataFrame) -> Table:
    several = {key: rows[key].nunique() > 1 for key in ("dataset", "metric")}
    columns = list(rows[["dataset", "metric"]].drop_duplicates().itertuples(index=False, name=None))
    values = rows.set_index(["row", "dataset", "metric"])["value"]
    labels = list(dict.fromkeys(rows["row"]))
    notes = [note for note in rows["note"] if note]
    noted = f" Notes: {'. '.join(note[:1].upper() + note[1:] for note in notes)}." if notes else ""
    return Table(
        name=f"published-{slug(name.replace(' ', '-'))}",
        caption=f"{title}. Published, not measured here: {'; '.join(dict.fromkeys(rows['source']))}.{noted}",
        data=rows,
        header=["model", *(_header(column, several) for column in columns)],
        rows=[[label, *(_value(values.get((label, *column))) for column in columns)] for label in labels],
        muted=frozenset(range(len(labels))),
    )


def _header(column: tuple[str, str], several: dict[str, bool]) -> str:
    shown = [name for name, differs in zip(column, several.values(), strict=True) if differs]
    return ", ".join(shown or column)


def _value(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.10g}"


def beside_alignvlm(inputs: CaptioningInputs) -> Table:
    """Returns every run and the published figures, one row a value, told apart by ``source``; ours are over seeds.

    Scores of captions are times 100, shares kept under noise in percent.
    """
    theirs = published_alignvlm().rename(columns={"row": "model"})
    theirs = theirs.assign(source=THEIRS + " (" + theirs["source"] + ")")
    columns = ["source", "model", "dataset", "metric", "value"]
    ours = pd.DataFrame(_ours(inputs), columns=columns[1:]).assign(source=OURS)
    data = pd.concat([ours[columns], theirs[columns]], ignore_index=True)
    return Table(
        name="beside-published-alignvlm",
        caption="Connectors: captions of this study and, of another task at another scale, the published figures.",
        data=data,
        header=["source", "model", "data set", "metric", "value"],
        rows=[
            (*map(bounded, (row.source, row.model, row.dataset, row.metric)), number(row.value, 2))
            for row in data.itertuples()
        ],
        text_columns=4,
        muted=frozenset(data.index[data["source"] != OURS]),
    )


def _ours(inputs: CaptioningInputs) -> list[tuple[str, str, str, float]]:
    datasets = list(dict.fromkeys(inputs.results.loc[inputs.results["task"] == CIDER.task, "dataset"]))
    highest = max(levels(inputs.results), default=0.0)
    speed = inputs.speed.groupby(["run", "pairs"])[list(SPEEDS)].mean()
    found = []
    for _, run in inputs.runs.iterrows():
        key, label = (run["run"], run["pairs"]), f"{run['label']}, {pairs_label(run['pairs'])}"
        for dataset in datasets:
            scores = {one.label: values_of(inputs.results, one, *key, dataset=dataset).mean() for one in SCORES}
            found += [(label, dataset, metric, value) for metric, value in scores.items()]
        if highest:
            kept = 100 * share_kept(inputs.results, *key, highest).mean()
            found.append((label, "", f"kept with noise {highest:g}, %", kept))
        rates = speed.loc[key] if key in speed.index else {}
        found += [(label, "", SPEED_NAMES[name], value) for name, value in dict(rates).items()]
    return [row for row in found if pd.notna(row[-1])]
