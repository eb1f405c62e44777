"""Sentences: every one follows from the tables, and a weak relation is called weak."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting_inputs import STORES, correlations_table, history_table, pairs_table, results_table

from ligature.reporting.correlations import recall_columns, recall_targets, shows, spearman
from ligature.reporting.outcome_readings import above_chance, result_readings, store_readings, training_readings
from ligature.reporting.pair_readings import choice_readings, correlation_readings, null_readings

CHOSEN = {"vision": "resnet-good", "text": "minilm", "rank_by": "cka_debiased", "value": 0.55, "chosen_by": "rank"}


def test_choice_by_rank_names_the_runner_up() -> None:
    first, second = choice_readings(pairs_table(), CHOSEN)
    assert first == (
        "resnet-good + minilm was chosen: its mean CKA (debiased) over 1 data set, 0.550, is number 1 of 6."
    )
    assert second.startswith("Next is resnet-good + words with 0.450; ")
    assert second.endswith("are apart on 1 of 1 data set.")


def test_overlapping_intervals_are_not_apart() -> None:
    wide = pairs_table().assign(cka_ci_low=0.0, cka_ci_high=1.0)
    assert choice_readings(wide, CHOSEN)[1].endswith("are apart on 0 of 1 data set.")


def test_choice_by_params_says_its_rank() -> None:
    fixed = CHOSEN | {"vision": "pixels", "text": "words", "chosen_by": "params"}
    (sentence,) = choice_readings(pairs_table(), fixed)
    assert "was fixed by the study's parameters" in sentence
    assert sentence.endswith("(0.050) it is number 6 of 6 pairs.")
    (stranger,) = choice_readings(pairs_table(), CHOSEN | {"vision": "elsewhere"})
    assert stranger == "elsewhere + minilm was chosen; it is not among the measured pairs."


def test_null_and_bias() -> None:
    clear, bias = null_readings(pairs_table())
    assert clear.startswith("5 of 6 similarities")
    assert "0.200 on average" in bias


def test_correlation_that_holds() -> None:
    recall, loss, best = correlation_readings(pairs_table(), correlations_table(), "cka_debiased")
    assert recall == "On val, CKA (debiased) ranks the probe's mean recall: Spearman 1.00 over 6 pairs."
    assert loss == "On val, the probe's loss falls as CKA (debiased) grows: Spearman −1.00 over 6 pairs."
    assert best.startswith("Of 4 metrics, CKA (debiased) follows the probe's mean recall best (mean Spearman 1.00;")
    assert "mutual k-NN −1.00" in best


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.3, "does not show here: Spearman 0.30"),
        (-0.99, "runs against expectation"),
        (math.nan, "no rank correlation"),
    ],
)
def test_correlation_that_does_not_hold(value: float, expected: str) -> None:
    table = correlations_table()
    table.loc[(table["metric"] == "cka_debiased") & (table["target"] == "probe_mean_recall"), "spearman"] = value
    assert expected in correlation_readings(pairs_table(), table, "cka_debiased")[0]


def test_metrics_that_were_not_correlated_are_not_mentioned() -> None:
    assert correlation_readings(pairs_table(), correlations_table().iloc[:0], "cka_debiased") == []


def test_recall_columns_and_targets() -> None:
    pairs = pairs_table()
    assert recall_columns(pairs) == ["probe_i2t_recall@1", "probe_t2i_recall@1"]
    assert recall_targets(pairs, correlations_table()) == ["probe_mean_recall"]
    both = correlations_table().assign(target=["probe_t2i_recall@1"] * 4 + ["probe_i2t_recall@10"] * 4)
    assert recall_targets(pairs, both) == ["probe_t2i_recall@1"]
    assert recall_columns(pairs.assign(**{"probe_i2t_recall@1": math.nan, "probe_t2i_recall@1": math.nan})) == [
        "probe_i2t_recall@10",
        "probe_t2i_recall@10",
    ]
    assert spearman(correlations_table(), "val", "mutual_knn", "probe_loss") == 1.0
    assert spearman(correlations_table(), "elsewhere", "mutual_knn", "probe_loss") is None


@pytest.mark.parametrize(("n", "threshold"), [(9, 0.68), (15, 0.53), (44, 0.31)])
def test_threshold_of_a_rank_correlation(n: int, threshold: float) -> None:
    assert not shows(threshold - 0.02, n)
    assert shows(threshold + 0.02, n)
    assert shows(-threshold - 0.02, n)


def test_rank_correlations_of_noise_rarely_show() -> None:
    rng = np.random.default_rng(0)
    draws = [np.corrcoef(rng.permutation(15), np.arange(15))[0, 1] for _ in range(2000)]
    share = np.mean([shows(value, 15) for value in draws])
    assert 0.03 < share < 0.07


def test_few_pairs_never_show() -> None:
    assert not any(shows(1.0, n) for n in range(5))
    assert shows(1.0, 5)


def test_training_says_where_recall_was_best() -> None:
    loss, recall = training_readings(history_table())
    assert loss.startswith("The training loss fell from 3.88 to 2.07 in 40 steps")
    assert recall.replace("\u00a0", " ") == (
        "Validation R@1, mean of 2 directions, was best at step 30 with 50.0 %; it ended at 40.0 %."
    )


def test_training_that_got_worse_is_called_so() -> None:
    rising = history_table().assign(train_loss=lambda table: table["train_loss"][::-1].to_numpy())
    assert training_readings(rising)[0].startswith("The training loss did not fall: it went from 2.07 to 3.88")
    assert training_readings(history_table().iloc[:30])[1].endswith("best at the last measurement, with 50.0\u00a0%.")
    without_recall = history_table()[["step", "train_loss"]]
    assert len(training_readings(without_recall)) == 1


def test_results_are_set_against_chance() -> None:
    classification, image_to_text, text_to_image = result_readings(results_table())
    assert classification == "labels: top-1 60.0\u00a0%, 12 times chance (5.0\u00a0%, n\u00a0=\u00a0200)."
    assert "25 times chance" in image_to_text
    assert "not distinguishable from chance" in text_to_image


def test_results_without_chance_and_with_several_models() -> None:
    table = results_table()
    two = pd.concat([table, table[table["model"] != "chance"].assign(model="other")])
    assert result_readings(two)[0].startswith("labels, resnet-good + minilm: ")
    assert result_readings(table[table["model"] != "chance"])[0].endswith("the level of chance was not given.")


@settings(max_examples=25, deadline=None)
@given(st.floats(0.001, 0.5), st.integers(10, 10_000))
def test_above_chance_needs_two_standard_errors(chance: float, n: int) -> None:
    error = math.sqrt(chance * (1 - chance) / n)
    assert above_chance(chance + 2.01 * error, chance, n)
    assert not above_chance(chance + 1.99 * error, chance, n)


def test_stores_are_summed() -> None:
    (sentence,) = store_readings(pd.DataFrame(STORES))
    assert sentence == (
        "Over 3 embedding stores, 4 items could not be read and 7 texts were cut at an encoder's longest length "
        "(1 encoder)."
    )
    assert store_readings(pd.DataFrame()) == []
