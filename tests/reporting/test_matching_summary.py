"""Matching in a terminal: the first experiment at one setting, chance beside it."""

from matching_inputs import EXPERIMENTS, SKILL, matching_inputs

from ligature.reporting.matching.summary import matching_summary
from ligature.reporting.text import percent


def test_the_first_experiment_stands_there_with_every_method_and_chance():
    results = matching_inputs(EXPERIMENTS).results
    lines = matching_summary(results).splitlines()
    assert lines[0].split(", %")[0].split() == ["matching", "without", "training", "matching", "accuracy"]
    assert [line.split("  ")[0] for line in lines[1:-2]] == [
        *("local CKA (RBF)", "QAP (form chosen)", "ridge", "kernel ridge", "centred relative"),
        *("linear without penalty", "relative", "QAP (hollow)"),
    ]
    assert lines[-2].startswith("chance")
    assert lines[-1].startswith("sizes: ")
    assert "anchors: 320" in lines[-1]
    assert "direction: image→text" in lines[-1]


def test_values_are_those_of_the_setting_that_is_named():
    results = matching_inputs(EXPERIMENTS).results
    chosen = results[
        (results["experiment"] == "sizes")
        & (results["model"] == "ridge")
        & (results["metric"] == "matching_accuracy")
        & (results["base_size"] == 320)
        & (results["direction"] == "i2t")
        & (results["captions"] == "averaged")
        & (results["post"] == "")
    ]
    line = next(line for line in matching_summary(results).splitlines() if line.startswith("ridge"))
    assert line.split()[1] == percent(chosen["value"].item())
    assert abs(chosen["value"].item() - SKILL["ridge"]) < 0.1


def test_a_method_without_a_ranking_has_dashes():
    line = next(
        line
        for line in matching_summary(matching_inputs(EXPERIMENTS).results).splitlines()
        if line.startswith("QAP (form")
    )
    assert line.split()[-3:] == ["–", "–", "–"]


def test_a_study_without_matching_says_nothing():
    assert matching_summary(matching_inputs(EXPERIMENTS).results.iloc[:0]) == ""
