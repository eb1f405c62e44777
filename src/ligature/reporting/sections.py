"""Sections of the page, each made from the inputs alone."""

from collections.abc import Sequence

import pandas as pd

from ligature.params import Study
from ligature.reporting import outcome_readings, pair_figures, pair_readings, pair_tables, result_tables
from ligature.reporting.aggregate import CHANCE, MAIN_TASKS, main_rows, over_seeds, with_chance
from ligature.reporting.beside_published import beside_published
from ligature.reporting.captioning.sections import captioning_headlines, captioning_sections
from ligature.reporting.curation_sections import curation_sections
from ligature.reporting.evaluation_sections import evaluation_readings, evaluation_sections
from ligature.reporting.fact_tables import projector_table, store_table
from ligature.reporting.feature_figures import feature_maps
from ligature.reporting.matching.sections import matching_headlines, matching_sections
from ligature.reporting.pretraining.sections import pretraining_headlines, pretraining_sections
from ligature.reporting.samples import sample_cards
from ligature.reporting.section import Section, points_of
from ligature.reporting.sources import ReportInputs
from ligature.reporting.table import Table
from ligature.reporting.text import (
    PERCENT,
    bounded,
    listed,
    metric_header,
    metric_label,
    number,
    percent,
    plural,
)
from ligature.reporting.training_figures import training_curves

PUBLISHED = (
    "Published; not comparable. These figures were measured by others, on other data at another scale (trained "
    "projectors: DINOv2-L with large sentence encoders, 6M to 20M pairs; pre-training from scratch: 10M pairs), and no "
    "figure of ours stands among them. More of them lie in tables/published-*."
)
SHOWN_PUBLISHED = {"classification": "T3", "retrieval": "T4"}
"""The published table of a task."""
DATA_ABLATION = "T2"


def sections(study: Study, inputs: ReportInputs, extra: Sequence[Section] = ()) -> list[Section]:
    """Returns all sections of the page in their order, ``extra`` ones after those of the evaluation."""
    *evaluation, sweep = evaluation_sections(study, inputs)
    return [
        _reading(inputs),
        _parameters(study),
        _pair(inputs),
        _prediction(inputs),
        _training(inputs),
        _results(inputs),
        *evaluation,
        *matching_sections(inputs.matching),
        *pretraining_sections(inputs.pretraining),
        *captioning_sections(inputs.captioning),
        sweep,
        *extra,
        _samples(inputs),
        _features(inputs),
        *curation_sections(inputs.curation),
        _data(inputs),
    ]


def about(study: Study, inputs: ReportInputs) -> str:
    """Returns one paragraph on what the page is about."""
    pairs = inputs.pairs
    return (
        f"Ligature joins a frozen vision encoder and a frozen text encoder with a small projector trained in "
        f"between. The study “{bounded(study.study)}” compares {plural(pairs['vision'].nunique(), 'vision encoder')} "
        f"with {plural(pairs['text'].nunique(), 'text encoder')} on {listed(pairs['dataset'].unique())}, trains a "
        f"projector for the pair that was chosen on {listed(study.train.datasets)}, and measures what the pair can "
        f"do with no further training. Neither encoder is ever changed."
    )


def _reading(inputs: ReportInputs) -> Section:
    pairs, chosen = inputs.pairs, inputs.chosen
    similarity = [*pair_readings.choice_readings(pairs, chosen), *pair_readings.null_readings(pairs)]
    prediction = pair_readings.correlation_readings(pairs, inputs.correlations, chosen["rank_by"])
    groups = [
        ("Similarity", similarity),
        ("Prediction", prediction),
        ("Training", outcome_readings.training_readings(inputs.history)),
        ("Results", outcome_readings.result_readings(inputs.results)),
        *evaluation_readings(inputs),
        *matching_headlines(inputs.matching),
        *pretraining_headlines(inputs.pretraining),
        *captioning_headlines(inputs.captioning),
        ("Data", outcome_readings.store_readings(inputs.stores)),
    ]
    return Section(
        "reading",
        "What the numbers say",
        ["Every sentence here is computed from the tables below."],
        points=points_of(groups),
    )


def _parameters(study: Study) -> Section:
    import yaml

    values = study.model_dump(mode="json", exclude_none=True)
    values.pop("study")
    details = [
        (block, yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100))
        for block, value in values.items()
        if value
    ]
    text = [f"All parameters of the study “{bounded(study.study)}”, one block a stage, defaults included."]
    return Section("parameters", "Parameters", text, details=details)


def _pair(inputs: ReportInputs) -> Section:
    text = " ".join(pair_readings.choice_readings(inputs.pairs, inputs.chosen))
    return Section(
        "pair",
        "Which pair agrees",
        [text, "Similarity is linear CKA between the features of images and of their captions, before any training."],
        drawings=pair_figures.similarity_heatmaps(inputs.pairs, inputs.chosen),
        tables=pair_tables.pair_tables(inputs.pairs, inputs.chosen),
    )


def _prediction(inputs: ReportInputs) -> Section:
    drawings = pair_figures.prediction_scatters(inputs.pairs, inputs.correlations, inputs.chosen)
    title = "Does similarity predict retrieval?"
    if not drawings:
        return Section("prediction", title, ["Left out: this takes a short training of at least three pairs."])
    text = (
        "For every pair a small projector is trained for the same few steps and asked to retrieve. If similarity "
        "is worth measuring, it ranks the pairs as this probe does."
    )
    tables = [] if inputs.correlations.empty else [pair_tables.correlation_table(inputs.correlations)]
    return Section("prediction", title, [text], drawings=drawings, tables=tables)


def _training(inputs: ReportInputs) -> Section:
    text = " ".join(outcome_readings.training_readings(inputs.history))
    return Section(
        "training",
        "Training the projector",
        [text],
        drawings=training_curves(inputs.history),
        tables=[projector_table(inputs.projector)],
    )


def _results(inputs: ReportInputs) -> Section:
    rows = main_rows(inputs.results)
    absent = [f"Left out: the study measures no {task}." for task in MAIN_TASKS if not (rows["task"] == task).any()]
    pair = _pair_name(inputs)
    text = f"What {bounded(pair, 120)} reaches with the trained projector; what chance reaches stands under it."
    others = [model for model in dict.fromkeys(rows["model"]) if model not in (pair, CHANCE)]
    beside = [f"Measured beside it by the same code, as they come: {listed(others)}."] if others else []
    published = result_tables.published_tables()
    shown = [published.pop(name) for name in SHOWN_PUBLISHED.values()]
    return Section(
        "results",
        "Results",
        [text, *beside, *absent],
        tables=[*result_tables.result_tables(inputs.results), *result_tables.prompt_tables(inputs.results)],
        published=shown,
        files=[*published.values(), *_beside_published(inputs)],
    )


def _pair_name(inputs: ReportInputs) -> str:
    """Returns what the chosen pair is called in results."""
    return f"{inputs.chosen['vision']} + {inputs.chosen['text']}"


def _beside_published(inputs: ReportInputs) -> list[Table]:
    """Returns our headline figures of every task, and those of the mixes, with the published ones beside them."""
    rows = over_seeds(main_rows(inputs.results))
    parts = {table: rows[rows["task"] == task] for task, table in SHOWN_PUBLISHED.items()}
    parts[DATA_ABLATION] = over_seeds(inputs.curation.ablation)
    headlines = {table: outcome_readings.headlines_of(part) for table, part in parts.items()}
    return [beside_published(table, part) for table, part in headlines.items() if len(part)]


def _samples(inputs: ReportInputs) -> Section:
    if not inputs.samples:
        return Section("samples", "Sample retrievals", ["Left out: no sample retrievals were recorded."])
    text = (
        "Queries are drawn at random. The query stands first, its best hits follow; ✓ marks a right one, ✗ a wrong one."
    )
    return Section("samples", "Sample retrievals", [text], samples=sample_cards(inputs.samples))


def _features(inputs: ReportInputs) -> Section:
    title = "Features before and after alignment"
    if inputs.features.empty:
        return Section("features", title, ["Left out: no features in the plane were recorded."])
    text = "t-SNE keeps neighbourhoods, not distances: read which points stand together, not how far apart others are."
    return Section("features", title, [text], drawings=feature_maps(inputs.features))


def _data(inputs: ReportInputs) -> Section:
    if inputs.stores.empty:
        return Section("data", "Notes on the data", ["Left out: no embedding stores were listed."])
    return Section(
        "data",
        "Notes on the data",
        outcome_readings.store_readings(inputs.stores),
        tables=[store_table(inputs.stores)],
    )


def headlines(inputs: ReportInputs) -> list[tuple[str, str, str]]:
    """Returns (label, value, note) of the figures at the top of the page."""
    chosen = inputs.chosen
    pair = f"{bounded(chosen['vision'], 30)} + {bounded(chosen['text'], 30)}"
    note = f"mean {metric_label(chosen['rank_by'])} {number(float(chosen['value']))}"
    rows = outcome_readings.headlines_of(with_chance(main_rows(inputs.results)))
    rows = rows[rows["model"] == _pair_name(inputs)]
    measures = rows.groupby(["dataset", "task"], sort=False)
    return [("chosen pair", pair, note), *(_headline(dataset, group) for (dataset, _), group in measures)][:6]


def _headline(dataset: str, rows: pd.DataFrame) -> tuple[str, str, str]:
    values, chances = (" / ".join(percent(value, PERCENT) for value in rows[column]) for column in ("value", "chance"))
    label = " / ".join(map(metric_header, rows["metric"]))
    return f"{bounded(dataset, 30)}, {label}", values, f"chance {chances}"
