"""Sentences on matching: nothing is claimed that its interval does not support."""

import dataclasses

import pandas as pd
import pytest
from matching_inputs import ENCODERS, EXPERIMENTS, SKILL, Experiment, cka_table, matching_inputs

from ligature.reporting.matching.readings import (
    agreement_readings,
    best_readings,
    matching_readings,
    setting_readings,
)
from ligature.reporting.matching.sources import MatchingInputs


def plain(sentences: list[str]) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in sentences]


def of(experiment: Experiment, draws: int = 3) -> MatchingInputs:
    return matching_inputs({"one": experiment}, draws)


def group(inputs: MatchingInputs, heading: str) -> list[str]:
    return plain(dict(matching_readings(inputs))[heading])


def test_the_best_method_is_named_with_its_distance_from_the_nearest() -> None:
    (accuracy,) = plain(best_readings(of(Experiment())))
    assert accuracy.startswith("one, matching accuracy: kernel ridge (")
    assert "is highest of 8 methods, " in accuracy
    assert accuracy.endswith(" above ridge, the nearest.")


def test_the_best_of_classes_is_said_of_top1() -> None:
    """Only methods that rank are compared; QAP is none of them."""
    methods = ("local-cka-rbf", "ridge", "qap", "qap-hollow")
    (top1,) = plain(best_readings(of(dataclasses.replace(EXPERIMENTS["classes"], methods=methods))))
    assert top1.startswith("one, top-1: ridge (")
    assert "is highest of 2 methods, " in top1
    assert top1.endswith(" above local CKA (RBF), the nearest.")


@pytest.mark.parametrize("name", ["sizes", "classes"])
def test_scores_with_csls_have_no_say_in_which_method_is_best(name: str) -> None:
    """With CSLS top-1 is higher throughout: the best of four would be ridge + CSLS."""
    experiment = dataclasses.replace(EXPERIMENTS[name], methods=("ridge", "relative"), posts=("", "csls"))
    both = of(experiment)
    plain_only, without = (frame[frame["post"] == ""] for frame in (both.results, both.seedwise))
    (sentence,) = best_readings(both)
    assert "highest of 2 methods" in sentence
    assert [sentence] == best_readings(MatchingInputs(plain_only, without, both.cka, []))


def test_what_is_not_distinguishable_from_the_best_is_named() -> None:
    level = Experiment(methods=("ridge", "kernel-ridge", "relative"), skill=SKILL | {"ridge": 0.5, "kernel-ridge": 0.5})
    (accuracy,) = best_readings(of(level))
    assert "not distinguishable from" in accuracy
    assert "relative" not in accuracy
    assert "above" not in accuracy


def test_no_method_is_best_where_none_is_above_chance() -> None:
    blind = Experiment(methods=("ridge", "relative"), skill={"ridge": 0.002, "relative": 0.001})
    (accuracy,) = plain(best_readings(of(blind)))
    assert accuracy.startswith("one, matching accuracy: ")
    assert accuracy.endswith("but it is not shown to be above chance (0.2 %).")
    (top1,) = plain(best_readings(of(dataclasses.replace(blind, classes=True))))
    assert top1.startswith("one, top-1: ")
    assert top1.endswith("but it is not shown to be above chance (1.0 %).")


def test_one_draw_shows_no_difference() -> None:
    inputs = of(Experiment(methods=("ridge", "relative"), stretches=("none", "base")), draws=1)
    assert all(
        sentence.endswith("one draw has no spread, so no difference is shown.") for sentence in best_readings(inputs)
    )
    (sentence,) = setting_readings(inputs)
    assert sentence.endswith("no interval, so nothing is shown, for ridge and relative.")


def test_a_method_alone_is_not_called_best() -> None:
    assert best_readings(of(Experiment(methods=("ridge",)))) == []


def test_local_cka_is_held_against_tuned_baselines() -> None:
    (accuracy,) = group(of(Experiment()), "Local CKA")
    assert accuracy.startswith("one, matching accuracy: local CKA (RBF) is below ridge by ")
    assert accuracy.endswith("not distinguishable from centred relative.")
    above = SKILL | {"ridge": 0.2, "kernel-ridge": 0.2, "relative-centred": 0.2}
    (accuracy,) = group(of(Experiment(skill=above)), "Local CKA")
    assert "is above ridge by 20." in accuracy
    assert "below" not in accuracy
    (top1,) = group(of(EXPERIMENTS["classes"]), "Local CKA")
    assert top1.startswith("one, top-1: local CKA (RBF) is below ridge by ")
    assert group(of(Experiment(methods=("local-cka-rbf", "relative"))), "Local CKA") == []


def test_regularised_cca_is_among_the_tuned_baselines() -> None:
    tuned = ("ridge", "kernel-ridge", "cca", "relative-centred")
    experiment = Experiment(
        methods=("local-cka-rbf", *tuned, "relative", "procrustes"),
        skill=SKILL | dict.fromkeys((*tuned, "procrustes"), 0.3),
        posts=("", "csls"),
    )
    (accuracy,) = group(of(experiment), "Local CKA")
    assert accuracy.startswith("one, matching accuracy: local CKA (RBF) is above ridge by 1")
    assert ", kernel ridge by 1" in accuracy
    assert ", regularised CCA by 1" in accuracy
    assert accuracy.endswith(" and centred relative.")
    assert "Procrustes" not in accuracy


def test_hubs_and_captions_are_said_by_method() -> None:
    inputs = of(Experiment(methods=("ridge", "relative"), captions=("averaged", "single"), posts=("", "csls")))
    (hubs,) = group(inputs, "Hubs (CSLS)")
    assert hubs.startswith("one, top-1, with CSLS: higher for ridge by 7.9 points (")
    (captions,) = group(inputs, "Captions")
    assert captions.startswith(
        "one, matching accuracy, averaged captions against a single one: higher for ridge by 10."
    )
    assert group(of(Experiment(methods=("ridge",), captions=("single",))), "Captions") == []


def test_settings_are_said_one_by_one() -> None:
    sentences = plain(setting_readings(of(EXPERIMENTS["settings"])))
    assert [sentence.partition(" against")[0].rpartition(", ")[2] for sentence in sentences] == [
        *("stretch (both pools)", "image clusters"),
        "image clusters + stretch (both pools)",
    ]
    assert ": higher for local CKA (RBF) by 8." in sentences[0]
    assert sentences[0].count(" points (") == 3, "the others stand by their names"
    others = ", kernel ridge, centred relative, linear without penalty, relative and QAP (hollow)."
    assert all(sentence.endswith(others) for sentence in sentences)


@pytest.mark.parametrize(("gain", "words"), [(-0.08, ": lower for"), (0.0, ": not distinguishable for")])
def test_a_setting_that_does_not_help_is_said_so(gain: float, words: str) -> None:
    found = setting_readings(of(dataclasses.replace(EXPERIMENTS["settings"], gain=gain, methods=("relative",))))
    assert all(words in sentence for sentence in found)
    assert not any("higher" in sentence for sentence in found)


def test_settings_take_the_one_with_nothing_done() -> None:
    assert setting_readings(of(Experiment(stretches=("base", "transductive")))) == []


@pytest.mark.parametrize(
    ("methods", "sentence"),
    [
        (
            ("qap-hollow", "qap"),
            "one: QAP (form chosen) reaches an objective of 0.500, below the 0.512 of the true pairs: "
            "a better optimiser could find more.",
        ),
        (
            ("ridge", "qap-hollow"),
            "one: QAP (hollow) reaches an objective of 0.517, above the 0.512 of the true pairs: "
            "the objective, and not its optimiser, limits the accuracy.",
        ),
        (
            ("qap-hollow", "qap", "qap-faq"),
            "one: QAP (FAQ) reaches an objective of 0.505, below the 0.512 of the true pairs: "
            "a better optimiser could find more.",
        ),
    ],
)
def test_the_objective_of_the_first_form_of_qap_is_read_as_a_diagnosis(methods: tuple[str, ...], sentence: str) -> None:
    experiment = Experiment(methods=methods, skill=SKILL | {"qap-faq": 0.42})
    assert group(of(experiment), "QAP") == [sentence]


def test_without_qap_no_objective_is_read() -> None:
    assert group(of(Experiment(methods=("ridge", "relative"))), "QAP") == []


def test_languages_are_held_against_chance() -> None:
    (sentence,) = group(of(EXPERIMENTS["languages"]), "Languages")
    assert sentence.startswith("one, matching accuracy with local CKA (RBF): above chance in German (")
    assert "; not shown to be in Japanese (0.1 %)." in sentence
    assert group(of(Experiment(methods=("ridge",))), "Languages") == []


def test_agreement_over_encoders_is_said_with_their_number() -> None:
    inputs = of(EXPERIMENTS["encoders"])
    local, qap, shuffled = plain(agreement_readings(inputs))
    assert local.startswith(
        "one, roberta, local CKA (RBF): kernel CKA goes with matching accuracy over 5 vision encoders"
    )
    assert "QAP" in qap
    assert shuffled.startswith("Kernel CKA is 0.524 on true pairs, 0.210 with half of them shuffled and 0.016 on")


def test_few_encoders_give_no_interval_and_disorder_shows_nothing() -> None:
    few = dataclasses.replace(EXPERIMENTS["encoders"], vision=tuple(ENCODERS)[:4])
    assert agreement_readings(of(few))[0].endswith(
        "over 4 vision encoders no interval can be given for the correlation of kernel CKA with matching accuracy."
    )
    inputs = of(EXPERIMENTS["encoders"])
    mixed = inputs.cka.copy()
    order = {"resnet-50": 0.9, "vit-in1k": 0.3, "dinov2-large": 0.5, "clip-vit-large": 0.6, "sam-huge": 0.7}
    mixed["value"] = mixed["vision"].map(order)
    sentence = agreement_readings(MatchingInputs(inputs.results, inputs.seedwise, mixed, []))[0]
    assert "kernel CKA is not shown to go with matching accuracy" in sentence


def test_without_results_only_shuffles_are_said() -> None:
    nothing = of(EXPERIMENTS["encoders"])
    empty = MatchingInputs(nothing.results.iloc[:0], nothing.seedwise.iloc[:0], cka_table(), [])
    assert len(agreement_readings(empty)) == 1
    assert agreement_readings(MatchingInputs(empty.results, empty.seedwise, cka_table().iloc[:0], [])) == []
    assert [sentences for _, sentences in matching_readings(empty)] == [[]] * 6


def test_names_are_bounded() -> None:
    long = matching_inputs({"x" * 300: Experiment(methods=("ridge", "relative"))})
    assert max(map(len, best_readings(long))) < 300
    assert isinstance(long.results, pd.DataFrame)
