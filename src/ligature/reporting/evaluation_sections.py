"""Sections on the whole evaluation: languages, long texts, segmentation, the modality gap and the sweep."""

import pandas as pd

from ligature.params import Study
from ligature.reporting.aggregate import CHANCE
from ligature.reporting.beside_published import beside_published
from ligature.reporting.evaluation_figures import language_bars, length_curves
from ligature.reporting.gap_section import gap_section
from ligature.reporting.languages import language_averages, language_measures, language_readings, language_table
from ligature.reporting.long_texts import length_measures, length_readings, length_table
from ligature.reporting.result_tables import published_tables
from ligature.reporting.section import Section, points_of
from ligature.reporting.segmentation_sections import segmentation_section
from ligature.reporting.sources import ReportInputs
from ligature.reporting.sweep_grid import Points, grid_readings, grid_table, is_point, marginal_readings, ran
from ligature.reporting.sweep_grid_figures import grid_panels
from ligature.reporting.sweep_readings import best_readings, sweep_readings
from ligature.reporting.sweep_runs import Runs, blocks, sweep_measures
from ligature.reporting.sweep_tables import feature_table, loss_table, run_table
from ligature.reporting.table import Table
from ligature.reporting.text import plural

LANGUAGES, ASSEMBLIES = "T6", "T1"
"""Published tables of the languages and of the projector's assemblies."""


def evaluation_sections(study: Study, inputs: ReportInputs) -> list[Section]:
    """Returns the sections in their order; one without inputs says that it is left out."""
    return [
        _languages(language_measures(inputs.results)),
        _long_texts(length_measures(inputs.results)),
        segmentation_section(inputs.segmentation, inputs.classes, inputs.overlays),
        gap_section(inputs.results),
        _sweep(study, inputs),
    ]


def evaluation_readings(inputs: ReportInputs) -> list[tuple[str, list[str]]]:
    """Returns (heading, sentences) of what stands at the top of the page: of the chosen pair, and of the sweep."""
    pair = f"{inputs.chosen['vision']} + {inputs.chosen['text']}"
    results = inputs.results[inputs.results["model"].isin([pair, CHANCE])]
    sweep = sweep_measures(inputs.sweep)
    return [
        ("Languages", language_readings(language_measures(results))),
        ("Long texts", length_readings(length_measures(results))),
        ("Sweep", best_readings(sweep[~is_point(sweep["model"])])),
        ("Grid", grid_readings(sweep[is_point(sweep["model"])])),
    ]


def _languages(measures: pd.DataFrame) -> Section:
    if measures.empty:
        return Section("languages", "Languages", ["Left out: no other language than English was measured."])
    text = (
        "The pair was aligned on the captions of its training data alone; class names and captions in each language "
        "are put to it as they are. It was not published which data and which recall the figures on retrieval are of."
    )
    columns = ["model", "language", "metric", "value"]
    ours = pd.concat([measures[columns], language_averages(measures)[columns]]).rename(columns={"language": "dataset"})
    return Section(
        "languages",
        "Languages",
        [text],
        points=points_of([("Above chance", language_readings(measures))]),
        drawings=language_bars(measures),
        tables=[language_table(measures)],
        published=[published_tables()[LANGUAGES]],
        files=[beside_published(LANGUAGES, ours)],
    )


def _long_texts(measures: pd.DataFrame) -> Section:
    if measures.empty:
        return Section("long-texts", "Long texts", ["Left out: no long descriptions were measured."])
    text = (
        "Every image is sought by, and asked for, the first words of one long description, and all of it. What does "
        "not fit the text encoder is cut by it; the notes on the data say how often."
    )
    return Section(
        "long-texts",
        "Long texts",
        [text],
        points=points_of([("Whole texts", length_readings(measures))]),
        drawings=length_curves(measures),
        tables=[length_table(measures)],
    )


def _sweep(study: Study, inputs: ReportInputs) -> Section:
    title = "Sweep of projectors, features and losses"
    measures = sweep_measures(inputs.sweep)
    if measures.empty:
        return Section("sweep", title, ["Left out: no sweep was run."])
    runs = study.sweep.points if study.sweep else {}
    points = ran(measures, study.sweep.combinations if study.sweep else {})
    named = measures[~measures["model"].isin(points)]
    text = (
        f"{plural(measures['model'].nunique(), 'run')}{_of_all(measures, runs)} of one training, each with every seed. "
        "Two runs are called "
        "apart where their intervals of mean ± deviation over seeds do not meet. Seeds say nothing about how "
        "other test data would have come out."
    )
    named_tables = [] if named.empty else _named_tables(named, runs, inputs.costs)
    grid = measures[measures["model"].isin(points)]
    return Section(
        "sweep",
        title,
        [text],
        points=points_of([*sweep_readings(named, runs), *_grid_readings(grid, points)]),
        drawings=grid_panels(grid, points) if points else [],
        tables=named_tables + ([grid_table(measures, points, runs)] if points else []),
        files=[beside_published(ASSEMBLIES, _named_by_blocks(measures, runs))],
    )


def _of_all(measures: pd.DataFrame, runs: Runs) -> str:
    """Says of how many runs there are results, where it is not all."""
    missing = set(runs) - set(measures["model"])
    return f" (of {len(runs):,}; the others have not finished)" if missing else ""


def _named_tables(measures: pd.DataFrame, runs: Runs, costs: pd.DataFrame) -> list[Table]:
    tables = [run_table(measures, runs), feature_table(measures, runs, costs), loss_table(measures, runs)]
    return [table for table in tables if table is not None]


def _grid_readings(measures: pd.DataFrame, points: Points) -> list[tuple[str, list[str]]]:
    if not points:
        return []
    return [("Grid", grid_readings(measures)), ("Keys of the grid", marginal_readings(measures, points))]


def _named_by_blocks(measures: pd.DataFrame, runs: Runs) -> pd.DataFrame:
    """Returns top-1 of the runs, each called by its name and its blocks."""
    rows = measures[measures["metric"] == "top1"]
    names = [f"{name} ({blocks(runs[name])})" if name in runs else name for name in rows["model"]]
    return rows.assign(model=names)
