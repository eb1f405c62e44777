"""Runs of pre-training: what they are called, in what order they stand, and which of them may be compared."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pretraining_inputs import RUN_COLUMNS, four_rows, grid_rows, result_rows, run_row

from ligature.reporting.pretraining.comparisons import (
    ALIGN,
    CLIP,
    RECALL,
    SEPARATED,
    SHARED,
    Measure,
    comparable,
    matching_runs,
    values_of,
)
from ligature.reporting.pretraining.runs import SETTINGS, by_seed, labelled, normalised, scale_label

SHARINGS = st.sampled_from(["none", "all", "blocks", "blocks-norm"])
RUNS = st.lists(
    st.tuples(
        SHARINGS,
        st.sampled_from(["none", "image", "text", "both"]),
        st.sampled_from(["cosine", "exponent", "none"]),
        st.sampled_from(["published", "halved"]),
        st.sampled_from([0.5, 1.0]),
        st.sampled_from([20, 100.0, "clamped", "learned"]),
    ),
    max_size=12,
)


def runs_of(*rows: dict) -> pd.DataFrame:
    return labelled(normalised(pd.DataFrame(rows, columns=RUN_COLUMNS)))


@pytest.mark.parametrize(
    ("given_settings", "expected"),
    [
        ({}, "CLIP"),
        ({"sharing": "all"}, "SharedCLIP"),
        ({"sharing": "blocks-norm-projection"}, "SharedCLIP"),
        ({"sharing": "blocks-norm"}, "CLIP sharing blocks, norm"),
        ({"sharing": "all", "separation": "image"}, "AlignCLIP (images)"),
        ({"sharing": "all", "separation": "both"}, "AlignCLIP (both)"),
        ({"separation": "text"}, "CLIP + texts apart"),
        ({"sharing": "all", "separation": "image", "rescaling": "none"}, "SharedCLIP + images apart, not re-scaled"),
        ({"separation": "image", "rescaling": "exponent"}, "CLIP + images apart, exponent re-scaled"),
        ({"sharing": "all", "separation": "both", "objective": "halved"}, "AlignCLIP (both), halved"),
        ({"sharing": "all", "separation": "both", "beta": 1}, "AlignCLIP (both), β 1"),
        ({"alpha": 2.0}, "CLIP, α 2"),
        ({"beta": 2.0, "objective": "halved"}, "CLIP"),
    ],
)
def test_a_run_is_called_by_its_settings(given_settings: dict, expected: str) -> None:
    (run,) = runs_of(run_row("x", **given_settings))["variant"]
    assert run == expected


def test_scales_are_named_and_stand_in_labels_where_there_are_several() -> None:
    names = ["scale 100", "learned scale", "learned scale (clamped)"]
    assert [scale_label(scale) for scale in ("100", "learned", "clamped")] == names
    assert runs_of(*four_rows())["label"].to_list() == [
        *("CLIP", "CLIP + images apart", "SharedCLIP", "AlignCLIP (images)")
    ]
    two = runs_of(run_row("a", logit_scale="clamped"), run_row("b"))
    assert two["label"].to_list() == ["CLIP, scale 100", "CLIP, learned scale (clamped)"]


def test_fixed_scales_come_first_and_the_highest_of_them_at_the_top() -> None:
    assert list(dict.fromkeys(runs_of(*grid_rows())["scale"])) == [
        *("scale 100", "scale 50", "scale 20", "learned scale (clamped)")
    ]


def test_two_runs_of_one_setting_are_told_apart_by_their_names() -> None:
    assert runs_of(run_row("one"), run_row("two"))["label"].to_list() == ["CLIP (one)", "CLIP (two)"]


@settings(max_examples=25, deadline=None)
@given(RUNS)
def test_no_two_runs_share_a_label_and_none_is_lost(found: list[tuple]) -> None:
    keys = ("sharing", "separation", "rescaling", "objective", "beta", "logit_scale")
    rows = [run_row(f"r{place}", **dict(zip(keys, values, strict=True))) for place, values in enumerate(found)]
    runs = runs_of(*rows)
    assert set(runs["run"]) == {row["run"] for row in rows}
    assert runs["label"].is_unique


@settings(max_examples=25, deadline=None)
@given(RUNS)
def test_runs_that_are_compared_differ_in_what_is_named_alone(found: list[tuple]) -> None:
    keys = ("sharing", "separation", "rescaling", "objective", "beta", "logit_scale")
    rows = [run_row(f"r{place}", **dict(zip(keys, values, strict=True))) for place, values in enumerate(found)]
    for one, other in comparable(runs_of(*rows), SHARED, CLIP):
        assert (one["sharing"], other["sharing"]) == ("all", "none")
        assert all(one[key] == other[key] for key in SETTINGS if key != "sharing")
    unscaled = ALIGN | {"rescaling": ("none",)}
    for one, other in comparable(runs_of(*rows), ALIGN, unscaled):
        assert (one["rescaling"], other["rescaling"]) == ("cosine", "none")
        assert all(one[key] == other[key] for key in SETTINGS if key != "rescaling")


def test_every_pair_of_the_grid_is_found_at_its_own_scale() -> None:
    runs = runs_of(*grid_rows())
    assert len(comparable(runs, SHARED, CLIP)) == 4
    pairs = comparable(runs, ALIGN, SHARED)
    assert len(pairs) == 4 * 2, "of images and of both, as published; texts alone are not"
    assert all(one["logit_scale"] == other["logit_scale"] for one, other in pairs)
    assert len(comparable(runs, SEPARATED, CLIP)) == 4 * 2
    assert comparable(runs.iloc[:0], ALIGN, SHARED) == []


def test_another_weight_of_the_contrastive_loss_is_not_compared() -> None:
    runs = runs_of(run_row("a", sharing="all", alpha=2.0), run_row("b"))
    assert comparable(runs, SHARED, CLIP) == []
    assert [run["run"] for run in matching_runs(runs, CLIP)] == ["b"]


def test_names_of_runs_say_nothing() -> None:
    runs = runs_of(run_row("clip", sharing="all"), run_row("shared"))
    ((ours, theirs),) = comparable(runs, SHARED, CLIP)
    assert (ours["run"], theirs["run"]) == ("clip", "shared")


def test_values_are_means_over_data_sets_and_directions_by_seed() -> None:
    results = result_rows([run_row("a")], seeds=(3, 5))
    other = results.assign(dataset="second", value=results["value"] + 0.2)
    values = values_of(pd.concat([results, other]), RECALL, runs_of(run_row("a")).iloc[0])
    assert values.index.to_list() == [3, 5]
    alone = values_of(results, RECALL, runs_of(run_row("a")).iloc[0])
    assert (values - alone).to_list() == pytest.approx([0.1, 0.1])
    assert values_of(results, Measure("retrieval", ("none",), "x"), runs_of(run_row("a")).iloc[0]).empty


def test_chance_and_other_questions_do_not_count() -> None:
    results = result_rows([run_row("a")], seeds=(0,))
    asked = results.assign(variant="de", value=0.0)
    values = by_seed(pd.concat([results, asked]), "retrieval", ("i2t_recall@1",))
    assert list(values.columns) == ["a"]
    assert values.loc[0, "a"] == pytest.approx(0.5, abs=0.05)
    assert by_seed(results, "retrieval", ("i2t_recall@1",), "elsewhere").empty
