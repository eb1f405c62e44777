"""Sections of the page about matching without training; a study without it has none of them."""

import pandas as pd

from ligature.reporting.matching.cka import agreement_points, agreement_table, shuffle_table
from ligature.reporting.matching.cka_figures import agreement_scatters, shuffle_bars
from ligature.reporting.matching.figures import anchor_curves, setting_points
from ligature.reporting.matching.labels import Style, method_styles
from ligature.reporting.matching.readings import (
    agreement_readings,
    best_readings,
    matching_readings,
    setting_readings,
)
from ligature.reporting.matching.rows import share_rows
from ligature.reporting.matching.samples import pair_cards
from ligature.reporting.matching.sources import MatchingInputs
from ligature.reporting.matching.tables import experiment_tables, language_tables, settings_table
from ligature.reporting.reproduction.quoted import quoted_matrix, quoted_table
from ligature.reporting.section import Section, points_of
from ligature.reporting.text import plural

ABOUT = (
    "Two frozen encoders that were never trained together are joined by anchors, a few pairs known beforehand, and by "
    "no training. Matching accuracy is the share of queries that a one-to-one assignment gives their own partner, "
    "top-k the share whose partner is among the k best of the gallery."
)
DRAWS = (
    "Intervals are over draws of the anchors crossed with draws of the queries; methods are compared draw by draw, "
    "each comparison by itself. A difference is stated only where its whole 95\u00a0% interval lies on one side of "
    "zero."
)
SETTINGS = (
    "Stretching divides every dimension of the features by its deviation; clustered anchors are the samples nearest to "
    "the centres of k-means. The published ablation stands below, apart."
)
AGREEMENT = (
    "Kernel CKA compares the features of images with those of their captions, before any method is chosen. If it says "
    "how well encoders match, their order by CKA is their order by accuracy."
)
PUBLISHED_SETTINGS = "Matching accuracy on captions of COCO in %, by what was done to anchors and features"
PUBLISHED_FIGURE = "Kernel CKA of vision encoders with a text encoder, and the accuracy of QAP in %, by training data"
PUBLISHED_SHUFFLES = "Kernel CKA of true and shuffled pairs"


def matching_sections(inputs: MatchingInputs) -> list[Section]:
    """Returns the sections there is something to show in, in their order; none for a study without matching."""
    rows = share_rows(inputs.results)
    styles = method_styles(rows["model"])
    found = [
        _methods(inputs, rows, styles),
        _settings(inputs, rows, styles),
        _agreement(inputs, rows, styles),
        _pairs(inputs),
    ]
    return [section for section in found if section is not None]


def matching_headlines(inputs: MatchingInputs) -> list[tuple[str, list[str]]]:
    """Returns (heading, sentences) of what stands at the top of the page."""
    return [("Matching", best_readings(inputs))]


def _methods(inputs: MatchingInputs, rows: pd.DataFrame, styles: dict[str, Style]) -> Section | None:
    if rows.empty:
        return None
    points = agreement_points(rows, inputs.cka)
    count = plural(rows["experiment"].nunique(), "experiment")
    return Section(
        "matching",
        "Matching without training",
        [ABOUT, f"{count}. {DRAWS}"],
        points=points_of(matching_readings(inputs)),
        drawings=anchor_curves(rows, styles),
        tables=[*experiment_tables(rows), *language_tables(rows)],
        published=[quoted_table("Matching in the text")],
        files=[agreement_table(points)] if points.empty else [],
    )


def _settings(inputs: MatchingInputs, rows: pd.DataFrame, styles: dict[str, Style]) -> Section | None:
    table = settings_table(rows)
    if table is None:
        return None
    return Section(
        "matching-settings",
        "Stretching and clustered anchors",
        [SETTINGS],
        points=points_of([("Effect", setting_readings(inputs))]),
        drawings=setting_points(rows, styles),
        tables=[table],
        published=[quoted_matrix("Matching T6", PUBLISHED_SETTINGS)],
    )


def _agreement(inputs: MatchingInputs, rows: pd.DataFrame, styles: dict[str, Style]) -> Section | None:
    points = agreement_points(rows, inputs.cka)
    if inputs.cka.empty:
        return None
    return Section(
        "matching-cka",
        "Does kernel CKA follow matching?",
        [AGREEMENT],
        points=points_of([("Agreement", agreement_readings(inputs))]),
        drawings=[*agreement_scatters(points, styles), *shuffle_bars(inputs.cka)],
        tables=[*([] if points.empty else [agreement_table(points)]), shuffle_table(inputs.cka)],
        published=[
            quoted_matrix("Matching figure", PUBLISHED_FIGURE),
            quoted_matrix("Matching T1", PUBLISHED_SHUFFLES),
        ],
    )


def _pairs(inputs: MatchingInputs) -> Section | None:
    cards = pair_cards(inputs.samples)
    if not cards:
        return None
    text = (
        "Some queries of the first cell of every experiment, each with the caption it was matched to; where that is "
        "another's, its own stands below it. ✓ marks a right match, ✗ a wrong one."
    )
    return Section("matching-pairs", "Matched pairs", [text], samples=cards)
