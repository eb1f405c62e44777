"""Languages and long texts: tables, figures and sentences follow from the rows."""

import math

import numpy as np
import pandas as pd
import pytest
from evaluation_inputs import PAIR, language_results, length_results
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting_inputs import results_table

from ligature.reporting.evaluation_figures import language_bars, length_curves
from ligature.reporting.languages import (
    AVERAGE,
    language_averages,
    language_measures,
    language_readings,
    language_table,
)
from ligature.reporting.long_texts import length_measures, length_readings, length_table
from ligature.reporting.outcome_readings import compared


def with_baseline(results: pd.DataFrame) -> pd.DataFrame:
    own = results[results["model"] == PAIR]
    return pd.concat([results, own.assign(model="as it comes")], ignore_index=True)


def test_english_comes_first_and_only_headlines_count() -> None:
    measures = language_measures(pd.concat([results_table(), language_results()]))
    names = ["English", "German", "French", "Japanese", "Russian"]
    assert list(measures.loc[measures["metric"] == "top1", "language"]) == names
    assert list(measures.loc[measures["metric"] == "t2i_recall@1", "language"]) == [*names, "tlh"]
    assert set(measures["metric"]) == {"top1", "i2t_recall@1", "t2i_recall@1"}


def test_language_table_ends_with_the_average_and_chance() -> None:
    table = language_table(language_measures(language_results()))
    assert table.header == ["model", "language", "labels, top-1", "val, i→t R@1", "val, t→i R@1"]
    assert table.rows[0] == [PAIR, "English", "60.0", "40.0", "36.0"]
    assert table.rows[5] == [PAIR, "tlh", "–", "1.0", "0.9"]
    assert table.rows[6] == [PAIR, AVERAGE, "32.8", "18.5", "16.7"]
    assert table.rows[7] == ["chance", "", "5.0", "1.0", "1.0"]
    assert (table.strong, table.muted) == ({6}, {7})
    assert np.mean([0.40, 0.38, 0.06, 0.20, 0.60]) == pytest.approx(0.328)


def test_chance_that_differs_between_languages_is_a_range() -> None:
    results = language_results()
    of_one = (results["variant"] == "ja") & (results["model"] == "chance") & (results["metric"] == "top1")
    results.loc[of_one, "value"] = 0.04
    assert language_table(language_measures(results)).rows[-1][2] == "4.0 to 5.0"


def test_averages_say_over_how_many_languages() -> None:
    averages = language_averages(language_measures(language_results())).set_index("metric")
    assert averages["languages"].to_dict() == {"top1": 5, "i2t_recall@1": 6, "t2i_recall@1": 6}


def test_languages_above_chance_are_named_apart_from_the_others() -> None:
    top, recall, _ = language_readings(language_measures(language_results()))
    assert top == (
        "labels, top-1: above chance in English, German, French and Russian; not distinguishable from chance in "
        "Japanese (two binomial standard errors)."
    )
    assert recall.startswith("val, image→text R@1: above chance in English, German, French and Russian; not ")
    few = language_results().query("variant == 'ja'")
    assert language_readings(language_measures(few))[0].startswith(
        "labels, top-1: not distinguishable from chance in Japanese ("
    )
    assert language_readings(language_measures(few[few["model"] == PAIR])) == []
    two = language_readings(language_measures(with_baseline(language_results())))
    assert [sentence.partition(",")[0] for sentence in two] == [PAIR] * 3 + ["as it comes"] * 3


def test_bars_are_as_high_as_the_table_says_and_chance_lies_on_them() -> None:
    first, second = language_bars(language_measures(with_baseline(language_results())))
    axes = first.canvas.axes[0]
    assert axes.get_xticklabels()[0].get_text() == "English"
    heights = [patch.get_height() for patch in axes.containers[0]]
    assert heights == pytest.approx([60, 40, 38, 6, 20])
    assert [len(bars) for bars in axes.containers] == [5, 6, 6]
    lines = axes.collections[0].get_segments()
    assert {point for line in lines for point in line[:, 1]} == {5.0}
    assert first.name != second.name


def test_lengths_stand_in_order_and_the_whole_text_last() -> None:
    measures = length_measures(pd.concat([results_table(), length_results()]))
    table = length_table(measures)
    assert [row[2] for row in table.rows] == ["8", "16", "64", "128", "all"]
    assert [row[5] for row in table.rows] == ["10.0", "20.0", "30.0", "45.0", "50.0"]
    broken = length_results().assign(variant="0")
    assert length_measures(broken).empty


@pytest.mark.parametrize(
    ("whole", "verdict"), [(0.5, "beats"), (0.1, "is worse than"), (0.32, "is not distinguishable from")]
)
def test_the_whole_text_is_held_against_the_longest_cut_that_clip_could_read(whole: float, verdict: str) -> None:
    first, second = length_readings(length_measures(length_results(whole)))
    start = f"val, image→text R@1: the whole text {verdict} its first 64 words ("
    assert first.replace("\u00a0", " ") == (
        f"{start}{100 * whole:.1f} % against 30.0 %; two binomial standard errors)."
    )
    assert second.startswith("val, text→image R@1: the whole text is not distinguishable from")


def test_without_the_whole_text_or_a_short_cut_nothing_is_said() -> None:
    results = length_results()
    assert length_readings(length_measures(results[results["variant"] != "all"])) == []
    assert length_readings(length_measures(results[results["variant"].isin(["all", "128"])])) == []
    one = results[results["variant"].isin(["all", "8"])].replace({"variant": {"8": "1"}})
    assert "its first word (" in length_readings(length_measures(one))[0]
    named = length_readings(length_measures(with_baseline(results)))
    assert [sentence.partition(",")[2].partition(",")[0] for sentence in named] == [f" {PAIR}"] * 2 + [
        " as it comes"
    ] * 2


def test_curves_are_drawn_over_doublings_with_the_whole_text_at_the_right_end() -> None:
    (drawing,) = length_curves(length_measures(length_results()))
    axes = drawing.canvas.axes[0]
    assert list(axes.get_xticks()) == pytest.approx([3, 4, 6, 7, 8])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["8", "16", "64", "128", "all"]
    dotted, solid = axes.lines[0], axes.lines[1]
    assert list(dotted.get_ydata()) == pytest.approx([10, 20, 30, 45, 50])
    assert list(solid.get_ydata()) == pytest.approx([10, 20, 30, 45])
    only = length_results()[lambda table: table["variant"] == "all"]
    (alone,) = length_curves(length_measures(only))
    assert list(alone.canvas.axes[0].get_xticks()) == [0.0]


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.integers(10, 5000), st.integers(10, 5000))
def test_two_proportions_are_apart_by_two_standard_errors(one: float, other: float, n: int, m: int) -> None:
    error = math.sqrt(one * (1 - one) / n + other * (1 - other) / m)
    expected = "level" if abs(one - other) <= 2 * error else "above" if one > other else "below"
    assert compared(one, n, other, m) == expected
    opposite = {"above": "below", "below": "above", "level": "level"}
    assert compared(other, m, one, n) == opposite[expected]


@pytest.mark.parametrize(("errors", "verdict"), [(1.9, "level"), (2.1, "above")])
def test_two_standard_errors_are_the_limit(errors: float, verdict: str) -> None:
    error = math.sqrt(2 * 0.25 / 400)
    assert compared(0.5 + errors * error / 2, 400, 0.5 - errors * error / 2, 400) == verdict
