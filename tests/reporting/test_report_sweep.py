"""The sweep on the page: runs are known by their blocks, and differences are held against the spread of seeds."""

import pandas as pd
import pytest
from evaluation_inputs import RUNS, TOP1, sweep_costs, sweep_params, sweep_results

from ligature.params.train import LossParams, SweepRun
from ligature.reporting.sweep_readings import (
    assembly_readings,
    best_readings,
    feature_readings,
    loss_readings,
    sweep_readings,
)
from ligature.reporting.sweep_runs import (
    assemblies,
    blocks,
    loss_name,
    published_row,
    published_top1,
    sweep_measures,
    twins,
)
from ligature.reporting.sweep_tables import feature_table, loss_table, run_table

SPREAD_OF_SEEDS = 0.02
"""Deviation of every run in the inputs."""


@pytest.fixture(scope="module")
def runs() -> dict[str, SweepRun]:
    return sweep_params().runs


@pytest.fixture(scope="module")
def measures() -> pd.DataFrame:
    return sweep_measures(sweep_results())


def plain(sentences: list[str]) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in sentences]


def test_every_published_assembly_is_found_by_its_blocks() -> None:
    for row in published_top1():
        run = SweepRun(
            **dict(zip(("vision_local", "vision_cls", "text_local", "text_global"), row.split(" / "), strict=True))
        )
        assert published_row(run) == blocks(run) == row


@pytest.mark.parametrize(
    "change",
    [
        {"vision_local": "gated"},
        {"vision_pooling": "max"},
        {"text_pooling": "cls"},
        {"loss": LossParams(kind="siglip")},
        {"loss": LossParams(negatives="local", group=5)},
    ],
)
def test_a_run_that_differs_is_no_published_one(change: dict) -> None:
    assert published_row(SweepRun()) == "token / token / token / mlp"
    assert published_row(SweepRun(datasets=["others"])) is None
    assert published_row(SweepRun(**change)) is None


def test_assemblies_are_of_one_kind_of_features_and_once_each(runs: dict[str, SweepRun]) -> None:
    assert list(assemblies(runs)) == ["first", "second", "winner"]
    again = runs | {"winner-again": runs["winner"]}
    assert list(assemblies(again)) == ["first", "second", "winner"]
    assert assemblies({"near": runs["near"]}) == {}


def test_twins_differ_in_one_thing_alone(runs: dict[str, SweepRun]) -> None:
    assert twins(runs, "mode") == [["winner", "whole", "bytes"]]
    assert twins(runs, "loss") == [["winner", "sigmoid", "near"]]


def test_losses_have_names(runs: dict[str, SweepRun]) -> None:
    names = [loss_name(runs[name].loss) for name in ("winner", "sigmoid", "near")]
    assert names == ["InfoNCE", "SigLIP", "InfoNCE in groups of 10"]


def test_all_runs_stand_in_the_order_of_the_study_with_the_published_figure(
    measures: pd.DataFrame, runs: dict[str, SweepRun]
) -> None:
    table = run_table(measures.iloc[::-1], runs)
    assert [row[0] for row in table.rows] == [*RUNS, "chance"]
    by_run = {row[0]: row for row in table.rows}
    assert by_run["first"][-1] == "68.81"
    assert by_run["winner"][-1] == by_run["whole"][-1] == "76.12"
    assert by_run["linear"][-1] == by_run["sigmoid"][-1] == "–"
    assert by_run["second"][1:4] == ["token / identity / token / mlp", "pooled", "InfoNCE"]
    assert "50.0 ± 2.0" in by_run["second"]
    assert by_run["chance"][4:7] == ["5.0"] * 3
    assert table.muted == {len(RUNS)}
    assert "over 3 seeds" in table.caption
    assert "not comparable" in table.caption
    assert all(len(row) == len(table.header) for row in table.rows)


def test_a_run_that_the_study_no_longer_has_is_shown_without_its_blocks(measures: pd.DataFrame) -> None:
    table = run_table(measures, {})
    assert table.rows[0][:4] == ["first", "–", "–", "–"]
    assert feature_table(measures, {}, sweep_costs()) is None
    assert loss_table(measures, {}) is None
    assert [heading for heading, sentences in sweep_readings(measures, {}) if sentences] == ["Best run"]


def test_features_have_their_costs_beside_what_they_reach(measures: pd.DataFrame, runs: dict[str, SweepRun]) -> None:
    table = feature_table(measures, runs, sweep_costs())
    assert [row[:6] for row in table.rows] == [
        ["winner", "pooled", "256 B", "2", "128 B", "0.035"],
        ["whole", "tokens", "8.7 kB", "17", "4.1 kB", "0.035"],
        ["bytes", "tokens-int8", "4.39 kB", "17", "2.1 kB", "–"],
    ]
    assert [row[6] for row in table.rows] == ["51.0 ± 2.0", "60.0 ± 2.0", "59.5 ± 2.0"]
    unknown = feature_table(measures, runs, sweep_costs().iloc[:1])
    assert unknown.rows[1][2:6] == ["–"] * 4


def test_losses_are_compared_on_the_same_projector(measures: pd.DataFrame, runs: dict[str, SweepRun]) -> None:
    table = loss_table(measures, runs)
    assert [row[:3] for row in table.rows] == [
        ["winner", "InfoNCE", "51.0 ± 2.0"],
        ["sigmoid", "SigLIP", "52.0 ± 2.0"],
        ["near", "InfoNCE in groups of 10", "42.0 ± 2.0"],
    ]


def test_the_best_run_is_named_with_those_it_cannot_be_told_from(measures: pd.DataFrame) -> None:
    top = plain(best_readings(measures))[0]
    assert top == (
        "labels, top-1: of 8 runs, whole (60.0 ± 2.0 %) is highest, not distinguishable from 1 other: bytes."
    )
    apart = best_readings(sweep_measures(sweep_results({"a": 0.2, "b": 0.5})))[0]
    assert apart.endswith("is highest, beyond the spread of seeds.")
    one = best_readings(sweep_measures(sweep_results({"a": 0.2, "b": 0.5}, seeds=1)))[0]
    assert one.endswith("; one seed has no spread, so no difference is shown.")
    assert best_readings(sweep_measures(sweep_results({"alone": 0.2}))) == []


def test_the_published_winner_is_held_against_the_other_assemblies(
    measures: pd.DataFrame, runs: dict[str, SweepRun]
) -> None:
    top = plain(assembly_readings(measures, runs))[0]
    assert top == (
        "labels, top-1: winner (51.0 ± 2.0 %), the best of the published ablation, against 2 other runs of it: above "
        "first; not distinguishable from second."
    )
    lower = sweep_measures(sweep_results(TOP1 | {"winner": 0.1, "first": 0.2}))
    assert assembly_readings(lower, runs)[0].endswith("against 2 other runs of it: below first and second.")
    without = {name: run for name, run in runs.items() if name in ("first", "second")}
    assert assembly_readings(measures, without) == []
    single = sweep_measures(sweep_results(seeds=1))
    assert "one seed has no spread" in assembly_readings(single, runs)[0]


def test_features_and_losses_are_compared_beyond_the_spread_of_seeds(
    measures: pd.DataFrame, runs: dict[str, SweepRun]
) -> None:
    features, losses = plain(feature_readings(measures, runs)), plain(loss_readings(measures, runs))
    assert len(features) == len(losses) == 2 * 3
    assert features[0] == (
        "labels, top-1: pooled features (51.0 ± 2.0 %) against tokens (60.0 ± 2.0 %): 9.0 points less, beyond the "
        "spread of seeds."
    )
    assert features[3] == (
        "labels, top-1: tokens in 8 bits (59.5 ± 2.0 %) against tokens (60.0 ± 2.0 %): not distinguishable within the "
        "spread of seeds."
    )
    assert "SigLIP (52.0 ± 2.0 %) against InfoNCE (51.0 ± 2.0 %): not distinguishable" in losses[0]
    assert losses[3].endswith("9.0 points less, beyond the spread of seeds.")
    single = sweep_measures(sweep_results(seeds=1))
    assert feature_readings(single, runs)[0].endswith("one seed has no spread, so no difference is shown.")


@pytest.mark.parametrize("distance", [0.5, 1.9, 2.1, 5.0])
def test_runs_are_apart_where_their_intervals_do_not_meet(runs: dict[str, SweepRun], distance: float) -> None:
    values = TOP1 | {"whole": TOP1["winner"] + distance * SPREAD_OF_SEEDS}
    sentence = feature_readings(sweep_measures(sweep_results(values)), runs)[0]
    assert ("not distinguishable" in sentence) == (distance < 2)
    assert ("points less" in sentence) == (distance > 2)


def test_a_run_on_data_of_its_own_says_so():
    runs = {"whole": SweepRun(), "small": SweepRun(datasets=["few", "some"])}
    measures = pd.DataFrame(
        {
            **{"task": "classification", "dataset": "labels", "split": "val", "metric": "top1", "protocol": "p"},
            **{"model": ["whole", "small"], "value": [0.5, 0.4], "sd": 0.01, "seeds": 3, "n": 100, "chance": 0.1},
        }
    )
    cells = {row[0]: row for row in run_table(measures, runs).rows}
    assert cells["whole"][2] == "pooled"
    assert cells["small"][2] == "pooled, of few and some"
    assert (cells["whole"][-1], cells["small"][-1]) == ("76.12", "–")
