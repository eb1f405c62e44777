"""Claims on matching: each is held against its draws, and the weakest comparison decides."""

import dataclasses

import pandas as pd
import pytest
from matching_inputs import ENCODERS, EXPERIMENTS, SKILL, Experiment, cka_table, matching_inputs

from ligature.reporting.claims import Evidence, claims_section, claims_table

EMPTY = pd.DataFrame()
COLUMNS = ["task", "dataset", "variant", "model", "metric", "value", "n", "seed", "mix", "set"]
SETTINGS, ENCODER, SHUFFLED, BASELINES, OWN = (
    "Stretching and clustered anchors",
    "Encoders that agree more",
    "true caption pairs",
    "Local CKA and QAP match better",
    "ridge regression with a tuned penalty",
)


def claims(*experiments: Experiment, cka: pd.DataFrame = EMPTY, draws: int = 3, seedwise: bool = True) -> pd.DataFrame:
    named = {f"experiment-{place}": one for place, one in enumerate(experiments)}
    inputs = matching_inputs(named, draws) if named else None
    tables = {"matching": inputs.results, "matching_seedwise": inputs.seedwise} if inputs else {}
    if not seedwise:
        tables["matching_seedwise"] = EMPTY
    others = dict.fromkeys(("results", "ablation", "mixes", "sweep"), pd.DataFrame(columns=COLUMNS))
    return claims_table(Evidence(correlations=EMPTY, segmentation=EMPTY, matching_cka=cka, **others, **tables))


def row_of(table: pd.DataFrame, words: str) -> pd.Series:
    found = table[table["claim"].str.contains(words)]
    assert len(found) == 1
    return found.iloc[0]


def test_without_matching_no_claim_on_it_is_tested() -> None:
    table = claims()
    for words in (SETTINGS, ENCODER, SHUFFLED, BASELINES, OWN):
        row = row_of(table, words)
        assert row["status"] == "not tested"
        assert row["note"].startswith("takes ")


def test_the_own_check_is_called_one_and_the_others_name_their_source() -> None:
    table = claims()
    assert row_of(table, OWN)["published"].startswith("not published: a check of our own")
    for words in (SETTINGS, SHUFFLED):
        assert "as quoted on public pages" in row_of(table, words)["published"]
    assert "48.8 to 65.5" in row_of(table, SETTINGS)["published"]
    assert "A check of our own is named as one." in claims_section(table).text[0]


def test_stretch_with_clusters_is_held_against_neither() -> None:
    row = row_of(claims(EXPERIMENTS["settings"]), SETTINGS)
    assert row["status"] == "holds"
    assert row["effect"] == pytest.approx(0.16, abs=0.01)
    assert "image clusters + stretch (both pools) minus random anchors" in row["measure"]
    assert row["interval"] == "over 9 crossed draws"
    assert row["n"] == 9


def test_one_experiment_that_fails_decides() -> None:
    worse = dataclasses.replace(EXPERIMENTS["settings"], gain=-0.03)
    row = row_of(claims(EXPERIMENTS["settings"], worse), SETTINGS)
    assert row["status"] == "does not hold"
    assert "experiment-1" in row["measure"]
    none = dataclasses.replace(EXPERIMENTS["settings"], gain=0.0)
    assert row_of(claims(none), SETTINGS)["status"] == "does not hold"


def test_the_published_setting_goes_before_others() -> None:
    every = Experiment(
        methods=("local-cka-rbf",), selections=("random", "text-clusters", "image-clusters"), stretches=("none", "base")
    )
    assert "image clusters + stretch (anchors)" in row_of(claims(every), SETTINGS)["measure"]
    single = dataclasses.replace(every, selections=("random",))
    assert row_of(claims(single), SETTINGS)["status"] == "not tested"


def test_published_methods_are_held_against_published_baselines() -> None:
    row = row_of(claims(Experiment()), BASELINES)
    assert row["status"] == "holds"
    assert row["effect"] == pytest.approx(0.07, abs=0.01)
    assert "local CKA (RBF) minus relative" in row["measure"]
    strong = Experiment(skill=SKILL | {"linear-unregularised": 0.41})
    row = row_of(claims(strong), BASELINES)
    assert row["status"] == "does not hold"
    assert "minus linear without penalty" in row["measure"]
    assert row_of(claims(Experiment(methods=("local-cka-rbf", "ridge"))), BASELINES)["status"] == "not tested"


def test_the_own_check_holds_local_cka_against_tuned_ridge() -> None:
    row = row_of(claims(Experiment()), OWN)
    assert row["status"] == "does not hold"
    assert row["effect"] == pytest.approx(-0.06, abs=0.01)
    assert row_of(claims(Experiment(skill=SKILL | {"ridge": 0.3})), OWN)["status"] == "holds"


def test_without_draws_the_ends_of_two_intervals_are_taken() -> None:
    paired, apart = (row_of(claims(Experiment(), seedwise=kept), BASELINES) for kept in (True, False))
    assert apart["effect"] == pytest.approx(paired["effect"])
    assert apart["low"] < paired["low"]


def test_one_draw_tests_nothing() -> None:
    table = claims(Experiment(stretches=("none", "base"), selections=("random", "image-clusters")), draws=1)
    for words in (SETTINGS, BASELINES, OWN):
        assert row_of(table, words)["status"] == "not tested"


def test_kernel_cka_is_held_against_accuracy_over_encoders() -> None:
    row = row_of(claims(EXPERIMENTS["encoders"], cka=cka_table()), ENCODER)
    assert row["status"] == "holds"
    assert (row["effect"], row["n"]) == (pytest.approx(1.0), 5)
    assert row["interval"] == "bootstrap over 5 vision encoders"
    turned = cka_table().assign(value=lambda rows: 1 - rows["value"])
    row = row_of(claims(EXPERIMENTS["encoders"], cka=turned), ENCODER)
    assert (row["status"], row["effect"]) == ("does not hold", pytest.approx(-1.0))
    few = dataclasses.replace(EXPERIMENTS["encoders"], vision=tuple(ENCODERS)[:4])
    row = row_of(claims(few, cka=cka_table()), ENCODER)
    assert row["status"] == "not tested"
    assert "five vision encoders or more" in row["note"]


def test_true_pairs_are_far_above_shuffled_ones_where_they_are_twice_as_high() -> None:
    row = row_of(claims(cka=cka_table()), SHUFFLED)
    assert row["status"] == "holds"
    assert row["effect"] == pytest.approx((1 - 2 * 0.03) * sum(ENCODERS.values()) / 5)
    assert row["n"] == 5
    biased = cka_table()
    biased.loc[biased["order"] == "shuffled", "value"] = 0.35
    assert row_of(claims(cka=biased), SHUFFLED)["status"] == "does not hold"
    one = cka_table().query("vision == 'resnet-50'")
    assert row_of(claims(cka=one), SHUFFLED)["status"] == "not tested"
    assert row_of(claims(cka=cka_table().query("order == 'true'")), SHUFFLED)["status"] == "not tested"
