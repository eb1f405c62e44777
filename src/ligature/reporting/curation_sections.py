"""Sections of the page about curation, each made from the inputs alone and left out where it has none."""

from typing import Any

import pandas as pd

from ligature.reporting import curation_figures, curation_readings, curation_tables
from ligature.reporting.ablation import ablation_points, ablation_table, headline_measures
from ligature.reporting.ablation_readings import ablation_readings
from ligature.reporting.curation_sources import CurationInputs
from ligature.reporting.result_tables import published_tables
from ligature.reporting.samples import sheet_cards
from ligature.reporting.section import Section
from ligature.reporting.text import bounded, plural

SAMPLES_SHOWN = 8
SHOWN_PUBLISHED = "T2"


def curation_sections(inputs: CurationInputs) -> list[Section]:
    """Returns the sections there is something to show in, in their order; none for a study without curation."""
    made = [
        _overview(inputs),
        _coverage(inputs.concepts),
        _funnel(inputs.funnel, inputs.funnel_samples),
        _collected(inputs.sheet, len(inputs.concepts)),
        _link_rot(inputs.downloads),
        _ablation(inputs.ablation, inputs.mixes),
    ]
    return [section for section in made if section is not None]


def _overview(inputs: CurationInputs) -> Section | None:
    groups = [
        ("Rows", curation_readings.funnel_readings(inputs.funnel)),
        ("Concepts", curation_readings.selection_readings(inputs.concepts)),
        ("Images", curation_readings.download_readings(inputs.downloads)),
    ]
    points = [(heading, sentences) for heading, sentences in groups if sentences]
    tables = [curation_tables.prototype_table(inputs.prototypes)] if inputs.prototypes else []
    if not points and not tables:
        return None
    text = (
        "From pools of captions a set of rows is selected that gives every concept its share; only then are images "
        "fetched. Every sentence here is computed from the tables below."
    )
    return Section("curation", "Curation of the data", [text], points=points, tables=tables)


def _coverage(concepts: pd.DataFrame) -> Section | None:
    if concepts.empty:
        return None
    return Section(
        "coverage",
        "Concept coverage",
        [
            "Before: a random subset of the pool as large as the selection, every row with the concept it is nearest "
            "to. After: the selection.",
            *curation_readings.evenness_readings(concepts),
        ],
        drawings=[curation_figures.coverage_curves(concepts), curation_figures.rarity_curve(concepts)],
        tables=[curation_tables.concept_table(concepts)],
    )


def _funnel(funnel: pd.DataFrame, samples: list[dict[str, Any]]) -> Section | None:
    if funnel.empty:
        return None
    return Section(
        "funnel",
        "The funnel of rows",
        ["Every step that drops rows says how many and why; a few of them are shown under each reason."],
        drawings=[curation_figures.funnel_bars(funnel)],
        tables=[curation_tables.funnel_table(funnel)],
        details=_dropped(funnel, samples),
    )


def _dropped(funnel: pd.DataFrame, samples: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Returns (summary, lines) of every step and reason: a few of the dropped rows, bounded."""
    rows = funnel.groupby(["step", "reason"])["rows"].sum()
    texts: dict[tuple[str, str], list[str]] = {}
    for entry in samples:
        lines = texts.setdefault((str(entry["step"]), str(entry["reason"])), [])
        lines += [_dropped_row(entry["source"], sample) for sample in entry["samples"]]
    return [
        (
            f"{bounded(step)}: {bounded(reason)}, {plural(int(rows.get((step, reason), len(lines))), 'row')}",
            "\n".join(lines[:SAMPLES_SHOWN]),
        )
        for (step, reason), lines in texts.items()
        if lines
    ]


def _dropped_row(source: Any, sample: dict[str, Any]) -> str:
    caption, url = bounded(sample["caption"], 100), bounded(sample.get("url", ""), 80)
    return f"{bounded(source, 20)}  {bounded(sample.get('uid', ''), 16)}  {caption}\n    {url}".rstrip()


def _collected(sheet: list[dict[str, Any]], concepts: int) -> Section | None:
    cards = sheet_cards(sheet, concepts)
    if not cards:
        return None
    text = (
        "Rows that were collected for some concepts, best first, each with the score of its caption for the concept. "
        "A row without a picture did not arrive."
    )
    return Section("collected", "What was collected", [text], samples=cards)


def _link_rot(downloads: pd.DataFrame) -> Section | None:
    if downloads.empty:
        return None
    return Section(
        "link-rot",
        "Link rot",
        [" ".join(curation_readings.download_readings(downloads))],
        drawings=[curation_figures.link_rot_bars(downloads)],
        tables=[curation_tables.set_table(downloads), curation_tables.host_table(downloads)],
    )


def _ablation(results: pd.DataFrame, mixes: pd.DataFrame) -> Section | None:
    measures = headline_measures(results)
    if measures.empty:
        return None
    text = (
        "Does curation pay? The intervals are mean ± deviation over seeds; where two of them overlap, a difference is "
        "not shown. Seeds say nothing about how other test images would have come out."
    )
    return Section(
        "data-ablation",
        "Data ablation",
        [text],
        points=ablation_readings(measures, mixes),
        drawings=ablation_points(measures),
        tables=[ablation_table(measures, mixes)],
        published=[published_tables()[SHOWN_PUBLISHED]],
    )
