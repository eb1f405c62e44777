"""Zero-shot segmentation on the page: both protocols, what predictions that look at no image reach, and pictures."""

from typing import Any

import pandas as pd

from ligature.reporting.aggregate import over_seeds
from ligature.reporting.beside_published import beside_published
from ligature.reporting.outcome_readings import compared
from ligature.reporting.overlays import overlay_pictures
from ligature.reporting.result_tables import published_tables
from ligature.reporting.section import Section, points_of
from ligature.reporting.table import Table
from ligature.reporting.text import PERCENT, bounded, percent, plural, slug, spread

BLIND = {"everything": "calling every pixel the class", "majority": "the most frequent class everywhere"}
"""Predictions that look at no image, by the name of their model in results."""
PUBLISHED, STANDARD = "published", "standard"
METRICS = {
    "iou": "IoU, mean over images",
    "iou_per_class": "IoU, mean over classes",
    "miou": "mIoU",
    "pixel_accuracy": "pixel accuracy",
}
PUBLISHED_TABLE = "T5"
VERDICTS = {"above": "above", "below": "below", "level": "not distinguishable from"}


def segmentation_section(results: pd.DataFrame, classes: pd.DataFrame, overlays: list[dict[str, Any]]) -> Section:
    """Returns the part of the page on segmentation.

    Args:
        results: rows of task ``segmentation``.
        classes: one row a class; written beside the page.
        overlays: index of pictures, see ``overlay_pictures``.
    """
    title = "Zero-shot segmentation"
    measures = over_seeds(results[results["task"] == "segmentation"])
    if measures.empty:
        return Section("segmentation", title, ["Left out: no data set was segmented."])
    text = (
        "Projected patches are scored against class names, window by window; no mask is ever trained on. The published "
        "protocol is told which classes an image has and asks for each by itself; the standard one lets all classes "
        "compete for every pixel. In the pictures stand the photograph, its true and its predicted mask."
    )
    return Section(
        "segmentation",
        title,
        [text],
        points=points_of([("Published protocol", segmentation_readings(measures))]),
        tables=segmentation_tables(measures),
        overlays=overlay_pictures(overlays),
        published=[published_tables()[PUBLISHED_TABLE]],
        files=[_beside(measures), *([] if classes.empty else [class_table(classes)])],
    )


def segmentation_tables(measures: pd.DataFrame) -> list[Table]:
    """Returns a table a protocol: a row a data set and model, predictions that look at no image in a lighter tone."""
    kind = measures["protocol"].str.partition(":")[0]
    return [_protocol_table(name, rows) for name, rows in measures.groupby(kind, sort=False)]


def _protocol_table(name: str, rows: pd.DataFrame) -> Table:
    groups = rows.groupby(["dataset", "split", "model"], sort=False)
    keys = list(rows[["dataset", "split", "model"]].drop_duplicates().itertuples(index=False, name=None))
    metrics = list(dict.fromkeys(rows["metric"]))
    protocols = "; ".join(bounded(protocol, 200) for protocol in dict.fromkeys(rows["protocol"]))
    return Table(
        name=f"segmentation-{slug(name)}",
        caption=f"Protocol {protocols}. Fractions in %.",
        data=rows,
        header=["data set", "split", "model", "images", *(METRICS.get(metric, bounded(metric)) for metric in metrics)],
        rows=[_cells(key, groups.get_group(key), metrics) for key in keys],
        text_columns=3,
        muted=frozenset(place for place, key in enumerate(keys) if key[2] in BLIND),
    )


def _cells(key: tuple[str, str, str], rows: pd.DataFrame, metrics: list[str]) -> list[str]:
    by_metric = rows.drop_duplicates("metric").set_index("metric").reindex(metrics)
    values = [spread(row.Index, row.value, row.sd) for row in by_metric.itertuples()]
    return [bounded(key[0]), bounded(key[1]), _model_name(key[2]), f"{by_metric['n'].max():,.0f}", *values]


def _model_name(model: str) -> str:
    return f"{model} ({BLIND[model]})" if model in BLIND else bounded(model)


def segmentation_readings(measures: pd.DataFrame) -> list[str]:
    """Says for every data set how the published protocol's IoU compares with calling every pixel the class."""
    rows = measures[measures["protocol"].str.startswith(PUBLISHED) & (measures["metric"] == "iou")]
    blind = rows[rows["model"].isin(BLIND)].drop_duplicates("dataset").set_index("dataset")
    return [
        _reading(row, blind.loc[row["dataset"]])
        for _, row in rows[~rows["model"].isin(BLIND)].iterrows()
        if row["dataset"] in blind.index
    ]


def _reading(row: pd.Series, blind: pd.Series) -> str:
    verdict = VERDICTS[compared(row["value"], row["n"], blind["value"], blind["n"])]
    return (
        f"{bounded(row['dataset'])}: {bounded(row['model'])} reaches an IoU of {percent(row['value'], PERCENT)}, "
        f"{verdict} the {percent(blind['value'], PERCENT)} of {BLIND[blind['model']]} (two binomial "
        f"standard errors, {plural(int(row['n']), 'image')})."
    )


def class_table(classes: pd.DataFrame) -> Table:
    """Returns a row a class, fractions in %; a column without any value is left out."""
    shares = [
        column for column in classes if column not in ("dataset", "class", "images") and classes[column].notna().any()
    ]
    return Table(
        name="segmentation-classes",
        caption="Every class that was segmented; fractions in %.",
        data=classes,
        header=["data set", "class", "images", *(column.replace("_", " ") for column in shares)],
        rows=[
            (
                bounded(row["dataset"]),
                bounded(row["class"]),
                f"{row['images']:,.0f}",
                *(percent(row[column]) for column in shares),
            )
            for _, row in classes.iterrows()
        ],
        text_columns=2,
    )


def _beside(measures: pd.DataFrame) -> Table:
    rows = measures[measures["protocol"].str.startswith(PUBLISHED) & (measures["metric"] == "iou")]
    return beside_published(PUBLISHED_TABLE, rows)
