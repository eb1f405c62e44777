"""Differences between methods and settings of matching: paired over draws, never narrower than they should be."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_inputs import EXPERIMENTS, Experiment, matching_inputs

from ligature.matching.draws import crossed_interval
from ligature.reporting.matching.differences import Difference, difference, select
from ligature.reporting.matching.sources import MatchingInputs

TWO = {"one": Experiment(methods=("ridge", "relative"), directions=("i2t", "t2i"))}
WHERE = {"metric": "top1", "post": ""}
RIDGE, RELATIVE = {"model": "ridge"}, {"model": "relative"}


@pytest.fixture(scope="module")
def inputs() -> MatchingInputs:
    return matching_inputs(TWO)


def without_draws(inputs: MatchingInputs) -> MatchingInputs:
    return MatchingInputs(inputs.results, inputs.seedwise.iloc[:0], inputs.cka, [])


def plain_grid(seedwise: pd.DataFrame) -> np.ndarray:
    """Ridge minus relative of every draw, the mean over both directions, cell by cell."""
    grid = np.zeros((3, 3))
    for base, query in product(range(3), repeat=2):
        for direction in ("i2t", "t2i"):
            draw = {"base_seed": base, "query_seed": query, "direction": direction, "metric": "top1"}
            ours, theirs = (select(seedwise, draw | side)["value"].item() for side in (RIDGE, RELATIVE))
            grid[base, query] += (ours - theirs) / 2
    return grid


def test_a_difference_is_paired_over_draws_and_averaged_over_settings(inputs: MatchingInputs) -> None:
    found = difference(inputs, WHERE, RIDGE, RELATIVE)
    expected = crossed_interval(plain_grid(inputs.seedwise), 1, share=False)
    assert (found.value, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high))
    assert (found.draws, found.settings) == (9, 2)
    assert found.verdict == "above"


def test_order_of_rows_is_of_no_account(inputs: MatchingInputs) -> None:
    mixed = MatchingInputs(inputs.results, inputs.seedwise.sample(frac=1, random_state=0), inputs.cka, [])
    one, other = (difference(part, WHERE, RIDGE, RELATIVE) for part in (inputs, mixed))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_pairing_is_narrower_than_the_ends_of_two_intervals(inputs: MatchingInputs) -> None:
    paired, apart = (difference(part, WHERE, RIDGE, RELATIVE) for part in (inputs, without_draws(inputs)))
    assert apart.value == pytest.approx(paired.value)
    assert apart.low < paired.low < paired.high < apart.high
    assert apart.draws == 9
    assert apart.settings == 2


def test_a_difference_is_turned_with_its_sides(inputs: MatchingInputs) -> None:
    for part in (inputs, without_draws(inputs)):
        one, other = difference(part, WHERE, RIDGE, RELATIVE), difference(part, WHERE, RELATIVE, RIDGE)
        assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))


def test_what_was_not_measured_has_no_difference(inputs: MatchingInputs) -> None:
    for part in (inputs, without_draws(inputs)):
        assert difference(part, WHERE, RIDGE, {"model": "asif"}) is None
        assert difference(part, WHERE, {"post": "csls"}, {"post": ""}) is None


def test_settings_that_only_one_side_has_do_not_count(inputs: MatchingInputs) -> None:
    one_way = ~((inputs.seedwise["model"] == "relative") & (inputs.seedwise["direction"] == "t2i"))
    part = MatchingInputs(inputs.results, inputs.seedwise[one_way], inputs.cka, [])
    found = difference(part, WHERE, RIDGE, RELATIVE)
    assert found.settings == 1
    alone = difference(inputs, WHERE | {"direction": "i2t"}, RIDGE, RELATIVE)
    assert (found.value, found.low) == pytest.approx((alone.value, alone.low))


def test_a_draw_that_is_missing_takes_its_column_along(inputs: MatchingInputs) -> None:
    seedwise = inputs.seedwise
    part = MatchingInputs(
        inputs.results, seedwise[~((seedwise["base_seed"] == 1) & (seedwise["query_seed"] == 2))], inputs.cka, []
    )
    assert difference(part, WHERE, RIDGE, RELATIVE).draws == 6


def test_metrics_can_be_the_sides() -> None:
    part = matching_inputs({"encoders": EXPERIMENTS["encoders"]})
    found = difference(part, {"model": "qap"}, {"metric": "objective"}, {"metric": "true_objective"})
    assert found.value == pytest.approx(0.500 - 0.512)
    assert found.settings == 5
    assert found.verdict == "below"


def test_one_draw_shows_nothing() -> None:
    part = matching_inputs(TWO, draws=1)
    assert difference(part, WHERE, RIDGE, RELATIVE).verdict == "one draw"


@settings(max_examples=25, deadline=None)
@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_verdict_is_given_only_where_the_whole_interval_lies_on_one_side(value, below, above) -> None:
    found = Difference(value, value - below, value + above, 9, 1)
    turned = Difference(-value, -value - above, -value + below, 9, 1)
    assert (found.verdict == "above") == (turned.verdict == "below") == (value - below > 0)
    assert (found.verdict == "level") == (found.low <= 0 <= found.high)
    assert Difference(value, math.nan, math.nan, 1, 1).verdict == "one draw"
