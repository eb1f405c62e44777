"""The modality gap on the page: its measures, and what each of them means."""

import pandas as pd

from ligature.reporting.aggregate import over_seeds
from ligature.reporting.outcome_readings import above_chance
from ligature.reporting.section import Section, points_of
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, PERCENT, bounded, metric_label, number, percent

TASK = "gap"
EVEN = 0.5
MEANINGS = {
    "alignment_score": "Mean cosine of an image and its text: 1 where they are the same, 0 for unrelated features.",
    "unpaired_score": "Mean cosine of an image and the text of another: what the alignment score must be held against.",
    "paired_margin": "Alignment score less unpaired score: higher is better, 0 where a text fits any image alike.",
    "centroid_gap": "Distance between the mean image and the mean text: 0 for no gap, at most 2.",
    "relative_modality_gap": "Distance of pairs against that within a modality: low is no gap, 1/2 for unrelated "
    "features, 1 where each modality is one point.",
    "linear_separability": "Share of held-out features that a linear classifier assigns to their modality: 0.5 where "
    "it cannot tell them apart, 1 where a plane parts them.",
    "image_uniformity": "How evenly images spread over the sphere: about −4 is even, 0 is one point.",
    "text_uniformity": "How evenly texts spread over the sphere: about −4 is even, 0 is one point.",
}


def gap_section(results: pd.DataFrame) -> Section:
    """Returns the part of the page on the modality gap."""
    title = "Modality gap"
    measures = over_seeds(results[results["task"] == TASK])
    if measures.empty:
        return Section("gap", title, ["Left out: the modality gap was not measured."])
    text = "How far apart images and texts lie in the joint space. No measure says much alone."
    return Section(
        "gap", title, [text], points=points_of([("Separability", gap_readings(measures))]), tables=[gap_table(measures)]
    )


def gap_table(measures: pd.DataFrame) -> Table:
    """Returns a row a measure with its meaning, and a column a data set and model."""
    keys = list(measures[["dataset", "model"]].drop_duplicates().itertuples(index=False, name=None))
    metrics = list(dict.fromkeys(measures["metric"]))
    values = measures.pivot_table(index=["dataset", "model"], columns="metric", values="value", aggfunc="mean")
    return Table(
        name="modality-gap",
        caption="Measures of the modality gap on images with their first captions, features at unit length.",
        data=measures.assign(meaning=measures["metric"].map(MEANINGS).fillna("")),
        header=["measure", "meaning", *(f"{bounded(model)}, {bounded(dataset)}" for dataset, model in keys)],
        rows=[
            (
                metric_label(metric),
                MEANINGS.get(metric, NOTHING),
                *(number(float(values.loc[key, metric])) for key in keys),
            )
            for metric in metrics
        ],
        text_columns=2,
        prose=frozenset([1]),
    )


def gap_readings(measures: pd.DataFrame) -> list[str]:
    """Says for every data set and model whether a linear classifier tells images from texts."""
    rows = measures[measures["metric"] == "linear_separability"]
    return [
        f"{bounded(row.dataset)}, {bounded(row.model)}: a linear classifier {_tells(row.value, row.n)} "
        f"({percent(row.value, PERCENT)} of held-out features, chance {percent(EVEN, PERCENT)})."
        for row in rows.itertuples()
    ]


def _tells(share: float, n: int) -> str:
    """Returns what the share of right answers shows; ``n`` pairs, of which half are held out, both sides of each."""
    return "tells images from texts" if above_chance(share, EVEN, n) else "cannot be shown to tell images from texts"
