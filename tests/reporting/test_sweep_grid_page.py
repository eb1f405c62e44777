"""The grid on the page: every point, what each key does on average, and whatever part of the runs is there."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from evaluation_inputs import sweep_params, sweep_results
from reporting_inputs import STORES, small_study

from ligature.params import Study
from ligature.params.train import SweepRun
from ligature.reporting import ReportSources
from ligature.reporting.evaluation_sections import evaluation_readings, evaluation_sections
from ligature.reporting.section import Section
from ligature.reporting.sources import ReportInputs, read_sources
from ligature.reporting.sweep_grid import (
    grid_readings,
    grid_table,
    is_point,
    marginal_readings,
    marginals,
    point_label,
    ran,
    reference_run,
    varied_keys,
)
from ligature.reporting.sweep_grid_figures import grid_panels
from ligature.reporting.sweep_runs import published_row, sweep_measures

GRID = {"learning_rate": [0.01, 0.001], "loss.kind": ["siglip", "infonce"]}
TOP1 = {
    "learning_rate~0.01/loss.kind~siglip": 0.50,
    "learning_rate~0.01/loss.kind~infonce": 0.30,
    "learning_rate~0.001/loss.kind~siglip": 0.20,
    "learning_rate~0.001/loss.kind~infonce": 0.10,
}
PLAIN = {"plain": 0.40}


def study_of(**changes) -> Study:
    sweep = sweep_params({"plain": {}})
    values = sweep.model_dump() | changes
    return small_study().model_copy(update={"sweep": type(sweep).model_validate(values)})


@pytest.fixture(scope="module")
def study() -> Study:
    return study_of(grid=GRID)


@pytest.fixture(scope="module")
def points(study: Study) -> dict:
    return study.sweep.combinations


@pytest.fixture(scope="module")
def measures() -> pd.DataFrame:
    return sweep_measures(sweep_results(TOP1))


@pytest.fixture(scope="module")
def inputs(results_folder: Path) -> ReportInputs:
    return read_sources(ReportSources.in_folder(results_folder, STORES))


def section_of(study: Study, inputs: ReportInputs, top1: dict[str, float]) -> Section:
    return evaluation_sections(study, replace(inputs, sweep=sweep_results(top1)))[-1]


def test_a_table_has_a_row_a_point_the_plain_run_and_chance(study: Study) -> None:
    measures = sweep_measures(sweep_results(PLAIN | TOP1))
    table = grid_table(measures, study.sweep.combinations, study.sweep.points)
    assert list(table.header[:3]) == ["learning_rate", "loss.kind", "labels, top-1"]
    assert [row[:3] for row in table.rows[:2]] == [
        ["0.01", "siglip", "50.0 ± 2.0"],
        ["0.01", "infonce", "30.0 ± 2.0"],
    ]
    assert [row[0] for row in table.rows[4:]] == ["plain (no key changed)", "chance"]
    assert table.muted == {4, 5}
    assert set(table.data["loss.kind"]) == {"siglip", "infonce", ""}
    assert len(table.data) == 3 * 5
    assert reference_run(measures, {"plain": SweepRun(steps=3)}) is None


def test_means_over_the_other_keys_are_those_of_the_points(measures: pd.DataFrame, points: dict) -> None:
    means = marginals(measures, points)
    top1 = means[means["metric"] == "top1"].set_index(["key", "setting"])
    assert top1.loc[("learning_rate", 0.001), "value"] == pytest.approx(0.15)
    assert top1.loc[("learning_rate", 0.01), "value"] == pytest.approx(0.40)
    assert top1.loc[("loss.kind", "siglip"), "value"] == pytest.approx(0.35)
    assert set(top1["points"]) == {2}
    assert varied_keys(points) == {"learning_rate": [0.001, 0.01], "loss.kind": ["siglip", "infonce"]}
    sentence = marginal_readings(measures, points)[0]
    assert "learning_rate 25.0 (from 0.001 to 0.01) and loss.kind 15.0 (from infonce to siglip)" in sentence
    assert sentence.endswith("; the seeds of one point deviate by 2.0 on average.")


def test_the_highest_point_is_held_against_the_spread_of_seeds(measures: pd.DataFrame) -> None:
    said = grid_readings(measures)[0].replace("\u00a0", " ")
    assert said == (
        "labels, top-1: of 4 points, learning_rate 0.01, loss.kind siglip (50.0 ± 2.0 %) is highest, "
        "beyond the spread of seeds."
    )
    level = grid_readings(sweep_measures(sweep_results(dict.fromkeys(TOP1, 0.3))))[0]
    assert level.endswith("not distinguishable from 3 others.")
    single = grid_readings(sweep_measures(sweep_results(TOP1, seeds=1)))[0]
    assert single.endswith("one seed has no spread, so no difference is shown.")


def test_a_figure_has_a_panel_a_key_with_every_point_and_the_means(measures: pd.DataFrame, points: dict) -> None:
    drawings = grid_panels(measures, points)
    assert drawings[0].name == "sweep-grid-1-labels-top1"
    assert len(drawings) == 3
    panels = drawings[0].canvas.axes
    assert [axes.get_xlabel() for axes in panels] == ["learning_rate", "loss.kind"]
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["0.001", "0.01"]
    assert panels[0].lines[0].get_ydata().tolist() == pytest.approx([15, 40])
    places = sorted((round(x), round(y)) for x, y in panels[0].collections[0].get_offsets())
    assert places == [(0, 10), (0, 20), (1, 30), (1, 50)]
    assert len(drawings[0].data) == 4 + 4


def test_many_keys_stand_in_several_lines(measures: pd.DataFrame) -> None:
    study = study_of(grid={"steps": [5, 6], "embed_dim": [4, 8], "mode": ["pooled", "regions"], "batch_size": [4, 8]})
    drawings = grid_panels(
        sweep_measures(sweep_results(dict.fromkeys(study.sweep.combinations, 0.4))), study.sweep.combinations
    )
    assert [axes.get_visible() for axes in drawings[0].canvas.axes] == [True] * 4 + [False] * 2


def test_a_single_point_has_no_figure_and_no_effect(measures: pd.DataFrame) -> None:
    points = {"learning_rate~0.01/loss.kind~siglip": {"learning_rate": 0.01, "loss.kind": "siglip"}}
    assert varied_keys(points) == {}
    assert grid_panels(measures, points) == []
    assert marginals(measures, points).empty
    assert marginal_readings(measures, points) == []


@pytest.mark.parametrize(
    ("top1", "tables", "headings"),
    [
        (PLAIN | TOP1, {"sweep", "sweep-grid"}, {"Grid", "Keys of the grid"}),
        (TOP1, {"sweep-grid"}, {"Grid", "Keys of the grid"}),
        (PLAIN, {"sweep"}, set()),
        (dict(list(TOP1.items())[:3]), {"sweep-grid"}, {"Grid", "Keys of the grid"}),
    ],
)
def test_the_section_shows_whatever_ran(study: Study, inputs: ReportInputs, top1, tables, headings) -> None:
    section = section_of(study, inputs, top1)
    assert {table.name for table in section.tables} == tables
    assert {heading for heading, _ in section.points} == headings
    assert len(section.drawings) == (3 if headings else 0)
    assert ("(of 5; the others have not finished)" in section.text[0]) == (len(top1) < 5)


def test_a_study_without_a_grid_says_nothing_of_one(inputs: ReportInputs) -> None:
    section = section_of(study_of(), inputs, PLAIN)
    assert section.drawings == []
    assert "not finished" not in section.text[0]


def test_the_top_of_the_page_tells_runs_and_points_apart(inputs: ReportInputs) -> None:
    readings = dict(evaluation_readings(replace(inputs, sweep=sweep_results({"other": 0.1} | PLAIN | TOP1))))
    assert "of 2 runs, plain" in readings["Sweep"][0]
    assert "of 4 points, learning_rate 0.01, loss.kind siglip" in readings["Grid"][0]
    nothing = dict(evaluation_readings(replace(inputs, sweep=sweep_results(PLAIN).iloc[:0])))
    assert nothing["Grid"] == nothing["Sweep"] == []


def test_names_of_points_are_known_by_their_mark(measures: pd.DataFrame, points: dict) -> None:
    assert is_point(pd.Series(["plain", "steps~5"])).tolist() == [False, True]
    assert point_label("steps~5/projector.dropout~0.1") == "steps 5, projector.dropout 0.1"
    assert list(ran(measures.iloc[:1], points)) == [measures["model"].iloc[0]]


def test_a_run_with_an_optimisation_of_its_own_is_no_published_row() -> None:
    assert published_row(SweepRun()) is not None
    assert published_row(SweepRun(learning_rate=0.1)) is None
