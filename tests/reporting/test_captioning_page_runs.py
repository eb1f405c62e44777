"""Runs of captioning: settings in one form, names that tell runs apart, and comparisons of like with like."""

import numpy as np
import pandas as pd
import pytest
from captioning_inputs import captioning_inputs, result_rows, run_rows, several_runs
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.reporting.captioning.comparisons import (
    ALIGN,
    CIDER,
    COSINE,
    common_pairs,
    comparable,
    levels,
    margin,
    matching_runs,
    of_kind,
    share_kept,
    values_of,
)
from ligature.reporting.captioning.estimates import MOST_IMAGES, Estimate, over_images, over_seeds
from ligature.reporting.captioning.runs import (
    most_pairs,
    one_of_each_kind_first,
    pairs_label,
    pairs_rank,
    plain_number,
    single_runs,
)
from ligature.reporting.captioning.sources import CaptioningInputs, with_variant_columns


def labels(rows: list[dict]) -> list[str]:
    return list(dict.fromkeys(captioning_inputs(rows, seeds=(0,)).runs["label"]))


@pytest.mark.parametrize(
    ("value", "expected"), [(2.0, "2"), ("2000", "2000"), ("all", "all"), (True, "True"), ("False", "False"), ("", "")]
)
def test_a_setting_is_text_in_one_form(value: object, expected: str) -> None:
    assert plain_number(value) == expected


def test_pairs_are_named_and_ordered_by_their_number() -> None:
    assert sorted(["all", "10000", "500"], key=pairs_rank) == ["500", "10000", "all"]
    assert [pairs_label(pairs) for pairs in ("1", "10000", "all")] == ["1 pair", "10,000 pairs", "all pairs"]
    assert most_pairs(captioning_inputs(run_rows("a", pairs=("500", "2000")), seeds=(0,)).runs) == "2000"


def test_names_say_what_is_not_as_published_and_align_stands_first() -> None:
    rows = [
        *run_rows("e", "h-reducer", factor=None),
        *run_rows("d", "mlp", factor=2),
        *run_rows("c", pruned=3400),
        *run_rows("b", head_init=False, vocabulary_norm=False, bias=True, affine_norm=False),
        *run_rows("a"),
    ]
    assert labels(rows) == [
        "ALIGN",
        "ALIGN, 3,400 tokens",
        "ALIGN, unofficial form",
        "MLP, factor 2",
        "H-Reducer",
    ]


def test_runs_that_look_alike_are_told_apart() -> None:
    assert labels([*run_rows("one"), *run_rows("two")]) == ["ALIGN (one)", "ALIGN (two)"]
    assert labels([*run_rows("one"), *run_rows("two", recipe="large")]) == ["ALIGN, large", "ALIGN, small"]


def test_settings_of_other_kinds_count_for_nothing() -> None:
    runs = captioning_inputs([*run_rows("m", "mlp", head_init=True, queries=64, hidden=32.0)], seeds=(0,)).runs
    assert runs.loc[0, ["head_init", "queries", "hidden", "factor"]].to_list() == ["", "", "32", "1"]


def test_one_of_each_kind_comes_first() -> None:
    runs = single_runs(captioning_inputs(several_runs(), seeds=(0,)).runs)
    kinds = one_of_each_kind_first(runs)["kind"].to_list()
    assert kinds[:4] == ["align", "mlp", "perceiver", "visual-table"]
    assert kinds[4:] == ["align"] * 3


def test_two_kinds_are_compared_at_one_factor_and_with_the_same_models() -> None:
    rows = [*run_rows("a"), *run_rows("m1", "mlp"), *run_rows("m2", "mlp", factor=2), *run_rows("p", "perceiver")]
    rows += run_rows("m3", "mlp", recipe="large")
    runs = captioning_inputs(rows, seeds=(0,)).runs
    assert [(one["run"], other["run"]) for one, other in comparable(runs, ALIGN, of_kind("mlp"))] == [("a", "m1")]
    assert len(comparable(runs, ALIGN, of_kind("perceiver"))) == 1
    assert len(matching_runs(runs, of_kind("mlp"))) == 3


def test_one_kind_is_compared_where_all_further_settings_agree() -> None:
    sides = (of_kind("align") | {"head_init": ("True",)}, of_kind("align") | {"head_init": ("False",)})
    rows = [*run_rows("a"), *run_rows("b", head_init=False), *run_rows("c", head_init=False, bias=True)]
    runs = captioning_inputs(rows, seeds=(0,)).runs
    assert [(one["run"], other["run"]) for one, other in comparable(runs, *sides)] == [("a", "b")]


def test_common_pairs_are_those_of_both() -> None:
    rows = [*run_rows("a", pairs=("all", "500")), *run_rows("m", "mlp", pairs=("2000", "500", "all"))]
    runs = captioning_inputs(rows, seeds=(0,)).runs
    one, other = (runs[runs["run"] == name].iloc[0] for name in ("a", "m"))
    assert common_pairs(runs, one, other) == ["500", "all"]


@pytest.fixture(scope="module")
def two() -> CaptioningInputs:
    return captioning_inputs([*run_rows("align"), *run_rows("mlp", "mlp")])


def test_values_are_those_of_one_question_by_seed(two: CaptioningInputs) -> None:
    plain = two.results.query("model == 'align' and variant == 'pairs=500' and metric == 'cider'")
    found = values_of(two.results, CIDER, "align", "500")
    assert found.to_dict() == pytest.approx((100 * plain.set_index("seed")["value"]).to_dict())
    assert not np.allclose(found, values_of(two.results, CIDER, "align", "500", shots=2))
    assert values_of(two.results, CIDER, "align", "500", dataset="other").empty
    assert values_of(two.results, CIDER, "align", "77").empty
    noisy = two.results.query("variant == 'pairs=all;noise=0.3' and metric == 'cosine_distance' and model == 'mlp'")
    assert list(values_of(two.results, COSINE, "mlp", "all", noise=0.3)) == pytest.approx(list(noisy["value"]))


def test_several_data_sets_become_their_mean() -> None:
    rows = result_rows(run_rows("a", pairs=("all",)), seeds=(0,))
    both = with_variant_columns(pd.concat([rows, rows.assign(dataset="other", value=rows["value"] + 0.2)]))
    one = values_of(both, CIDER, "a", "all", dataset="val")
    assert values_of(both, CIDER, "a", "all")[0] == pytest.approx(one[0] + 10)


def test_the_share_kept_is_of_ones_own_score(two: CaptioningInputs) -> None:
    assert levels(two.results) == [0.0, 0.3, 1.0, 3.0]
    assert list(share_kept(two.results, "align", "all", 0.0)) == [1.0] * 3
    assert share_kept(two.results, "align", "all", 3.0).mean() == pytest.approx(0.75, abs=0.01)
    zero = two.results.assign(value=two.results["value"].where(two.results["noise"] != 0, 0.0))
    assert share_kept(zero, "align", "all", 3.0).empty, "a share of nothing is none"


def test_the_margin_is_by_seed(two: CaptioningInputs) -> None:
    ours, theirs = (two.runs[two.runs["run"] == name].iloc[0] for name in ("align", "mlp"))
    found = margin(two.results, ours, theirs, "500")
    assert list(found.index) == [0, 1, 2]
    assert found.mean() == pytest.approx(24, abs=1)


def test_an_estimate_over_seeds_has_students_interval() -> None:
    found = over_seeds(pd.Series([1.0, 2.0, 4.0]))
    half = 4.302652729911275 * np.std([1, 2, 4], ddof=1) / np.sqrt(3)
    assert (found.low, found.high) == pytest.approx((7 / 3 - half, 7 / 3 + half))
    assert found.interval == "Student's t over 3 seeds"
    assert Estimate(1.25, 1, 1.5).cell() == "1.2 (1.0 to 1.5)"
    assert over_seeds(pd.Series([5.0])).cell() == "5.0"
    assert over_seeds(pd.Series(dtype=float)).cell() == "–"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 10), min_size=2, max_size=30))
def test_a_bootstrap_holds_its_mean_and_is_the_same_again(values: list[float]) -> None:
    found = over_images(pd.Series(values))
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found == over_images(pd.Series(values))
    assert found.interval == f"bootstrap over {len(values)} images"


def test_a_bootstrap_is_as_wide_as_the_normal_interval_of_many_images() -> None:
    values = pd.Series(np.random.default_rng(1).normal(5, 1, 400))
    found = over_images(values)
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    assert np.isnan(over_images(pd.Series([1.0])).low)
    assert np.isnan(over_images(pd.Series(np.zeros(MOST_IMAGES + 1))).low)
