from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.matching.assignment import assign, matching_accuracy


def best_sum(scores: np.ndarray) -> float:
    """Returns the largest sum over all ways to give every query a candidate of its own."""
    queries, candidates = scores.shape
    return max(scores[range(queries), columns].sum() for columns in permutations(range(candidates), queries))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(0, 2))
def test_no_assignment_has_a_larger_sum(seed, queries, spare):
    scores = np.random.default_rng(seed).normal(size=(queries, queries + spare))
    matched = assign(scores)
    assert matched.dtype == np.int64
    assert len(set(matched.tolist())) == queries
    assert scores[range(queries), matched].sum() == pytest.approx(best_sum(scores))


def test_the_best_candidate_is_given_up_where_the_sum_gains():
    assert assign([[0.9, 0.8], [0.9, 0.1]]).tolist() == [1, 0]


def test_equal_sums_follow_the_order_of_candidates():
    assert assign(np.zeros((4, 4))).tolist() == [0, 1, 2, 3]


def test_more_queries_than_candidates_are_an_error():
    with pytest.raises(DataError, match=r"^matching: 3 queries for 2 candidates; swap the two sides"):
        assign(np.ones((3, 2)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_an_error_naming_its_row(value):
    scores = np.eye(3)
    scores[1, 2] = value
    with pytest.raises(DataError, match=r"^scores: row 1 holds a value that is not finite"):
        assign(scores)


def test_accuracy_is_the_share_of_queries_matched_right():
    assert matching_accuracy([3, 1, 0, 2], [3, 0, 1, 2]) == 0.5
    assert matching_accuracy(assign(np.eye(5)[[2, 0, 1]]), [2, 0, 1]) == 1.0


@pytest.mark.parametrize(("assignment", "truth"), [([0, 1], [0]), ([[0]], [[0]]), ([], [])])
def test_accuracy_needs_one_entry_a_query(assignment, truth):
    with pytest.raises(
        DataError, match=r"^matching_accuracy: assignment \(.*\), truth \(.*\); give one entry a query$"
    ):
        matching_accuracy(assignment, truth)
