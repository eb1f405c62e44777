"""What pre-training is said to show: computed, held against the seeds, and open about temperature and misled scores."""

import dataclasses

import pandas as pd
import pytest
from pretraining_inputs import four_rows, grid_rows, pretraining_inputs, run_row

from ligature.reporting.pretraining.readings import (
    MOST_NAMES,
    pretraining_readings,
    temperature_readings,
    warning_readings,
)
from ligature.reporting.pretraining.sources import PretrainingInputs

FIXED_AND_LEARNED = [run_row("hot"), run_row("free", logit_scale="clamped"), run_row("mild", logit_scale="20.0")]


def of(inputs: PretrainingInputs, heading: str) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in dict(pretraining_readings(inputs))[heading]]


def changed(inputs: PretrainingInputs, metric: str, run: str, value: float) -> PretrainingInputs:
    rows = inputs.results.copy()
    rows.loc[(rows["metric"] == metric) & (rows["model"] == run), "value"] = value
    return dataclasses.replace(inputs, results=rows)


def test_a_gap_that_is_gone_with_a_learned_temperature_is_called_induced() -> None:
    gaps, verdict = temperature_readings(pretraining_inputs(FIXED_AND_LEARNED))
    assert "with the logit scale fixed at 100; " in gaps
    assert "with a logit scale learned within bounds, 21.9 at the end" in gaps
    assert verdict.startswith("Most of the gap at scale 100 is induced by that fixed temperature: with a learned scale")
    share = float(verdict.replace("\u00a0", " ").split(" % of it")[0].split(", ")[-1])
    assert share == pytest.approx(15, abs=1)


def test_a_gap_that_stays_with_a_learned_temperature_is_not_called_induced() -> None:
    inputs = changed(pretraining_inputs(FIXED_AND_LEARNED), "centroid_gap", "free", 0.4)
    _, verdict = temperature_readings(inputs)
    assert verdict.startswith("The gap at scale 100 is not induced by that fixed temperature alone")


def test_without_a_learned_temperature_nothing_is_said_of_what_a_fixed_one_induces() -> None:
    _, verdict = temperature_readings(pretraining_inputs())
    assert "is not known" in verdict
    (alone,) = temperature_readings(pretraining_inputs([run_row("free", logit_scale="learned")]))
    assert "with a logit scale learned, 21.9 at the end" in alone
    assert [*temperature_readings(pretraining_inputs([run_row("shared", sharing="all")]))] == []


def test_no_gap_at_all_is_no_share_of_anything() -> None:
    inputs = changed(pretraining_inputs(FIXED_AND_LEARNED[:2]), "centroid_gap", "hot", 0.0)
    assert len([*temperature_readings(inputs)]) == 1


def test_variants_are_held_against_clip_at_the_same_scale_with_their_intervals() -> None:
    (sentence,) = of(pretraining_inputs(), "Gap")
    assert sentence.startswith("Scale 100, centroid gap against CLIP: lower for CLIP + images apart (−0.3")
    assert "SharedCLIP (−0.4" in sentence
    assert "95 % −" in sentence
    assert "higher" not in sentence
    (retrieval,) = of(pretraining_inputs(), "Retrieval")
    assert "higher for SharedCLIP (0.0" in retrieval
    assert "not distinguishable over seeds for CLIP + images apart" in retrieval


def test_one_seed_shows_no_difference() -> None:
    (sentence,) = of(pretraining_inputs(seeds=(0,)), "Gap")
    assert "one seed, so nothing is shown, for CLIP + images apart (−0." in sentence
    assert "lower for" not in sentence


def test_a_sentence_on_many_runs_names_them_without_sizes() -> None:
    sentences = of(pretraining_inputs(grid_rows()), "Gap")
    assert len(sentences) == 4
    assert all("%" not in sentence for sentence in sentences)
    assert sentences[0].count(";") == 6
    rows = [run_row("clip"), *(run_row(f"b{beta}", separation="image", beta=beta) for beta in range(1, 13))]
    (crowded,) = of(pretraining_inputs(rows), "Gap")
    assert f"{12 - MOST_NAMES} more" in crowded


def test_a_small_gap_that_a_plane_still_parts_is_named() -> None:
    (sentence,) = of(pretraining_inputs(), "Separability")
    assert "SharedCLIP" in sentence
    assert "AlignCLIP" not in sentence, "its separability is 0.9"
    inputs = pretraining_inputs()
    for run in ("shared", "apart"):
        inputs = changed(inputs, "linear_separability", run, 0.6)
    assert of(inputs, "Separability") == []


def test_what_was_not_measured_is_not_spoken_of() -> None:
    inputs = pretraining_inputs()
    rows = inputs.results[inputs.results["task"] == "gap"]
    alone = dataclasses.replace(inputs, results=rows)
    assert of(alone, "Zero-shot") == of(alone, "Retrieval") == []
    assert len(of(alone, "Gap")) == 1
    clip_less = dataclasses.replace(inputs, results=rows[rows["model"] != "clip"])
    assert of(clip_less, "Gap") == []


def test_a_sound_panel_has_no_warning() -> None:
    assert warning_readings(pretraining_inputs()) == []


def test_a_narrow_cone_is_warned_of_by_its_run_and_data_set() -> None:
    inputs = pretraining_inputs(four_rows(), seeds=(0,))
    cone = changed(changed(inputs, "alignment_score", "align", 0.998), "unpaired_score", "align", 0.997)
    (sentence,) = warning_readings(cone)
    assert sentence.startswith("AlignCLIP (images), val: ")
    assert "narrow cone" in sentence
    collapsed = changed(cone, "image_uniformity", "align", -0.001)
    assert len(warning_readings(collapsed)) == 2


def test_a_panel_with_a_missing_measure_is_not_judged() -> None:
    inputs = pretraining_inputs(four_rows(), seeds=(0,))
    cone = changed(changed(inputs, "alignment_score", "align", 0.998), "unpaired_score", "align", 0.997)
    part = cone.results[(cone.results["metric"] != "image_uniformity") | (cone.results["model"] != "align")]
    assert warning_readings(dataclasses.replace(cone, results=part)) == []
    none = dataclasses.replace(cone, results=pd.DataFrame(columns=cone.results.columns))
    assert warning_readings(none) == []
