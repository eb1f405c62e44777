import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latent_pairs import latent_pairs

from ligature.errors import DataError
from ligature.matching.assignment import assign
from ligature.matching.local_cka import LocalCKA
from ligature.matching.qap import SeededQAP, check_start, local_cka_start, random_start

PAIRS = latent_pairs(base=40, queries=30, width_x=20, width_y=30, seed=1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(0, 10))
def test_a_random_start_is_half_the_barycentre_and_half_doubly_stochastic(seed, queries, more):
    start = random_start(np.random.default_rng(seed), queries, queries + more)
    rest = 2 * start - 1 / (queries + more)
    assert (rest >= 0).all()
    np.testing.assert_allclose(rest.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(rest.sum(axis=0), queries / (queries + more), atol=1e-5)
    np.testing.assert_array_equal(check_start(start, queries, queries + more), start)
    if queries > 2:
        assert rest.std() > 0.1 / (queries + more)


def test_a_start_is_a_matching_or_a_matrix():
    assert check_start([2, 0], 2, 3).dtype == np.int64
    assert check_start(np.array([1, 0], dtype=np.uint8), 2, 2).tolist() == [1, 0]
    assert check_start([[1, 0, 0], [0, 1, 0]], 2, 3).dtype == np.float64
    assert check_start([[0.5, 0.5], [0.5, 0.5]], 2, 2).shape == (2, 2)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([0, 1], r"start: 2 entries of int64; give one whole number for each of 3"),
        ([0.0, 1.0, 2.0], "3 entries of float64"),
        ([0, 1, 4], "entry 2 is 4; there are 4 candidates"),
        ([0, -1, 2], "entry 1 is -1"),
        ([0, 1, 1], "a candidate stands twice"),
        (np.eye(3), r"shape \(3, 3\); give one of 3 queries by 4 candidates"),
        (np.full((3, 4), np.nan), "negative or not finite"),
        (np.eye(3, 4) - 0.1, "negative or not finite"),
        (np.eye(3, 4) * 0.9, "row 0 sums to 0.9; rows must sum to one"),
        (np.eye(4)[[0, 1, 1]], "column 1 sums to 2"),
    ],
)
def test_a_start_that_does_not_fit_is_named(start, message):
    with pytest.raises(DataError, match=message) as caught:
        check_start(start, 3, 4)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_the_warm_start_is_the_assignment_by_local_cka(kernel):
    expected = assign(LocalCKA(kernel).fit(PAIRS.base_x, PAIRS.base_y).score(PAIRS.query_x, PAIRS.query_y))
    np.testing.assert_array_equal(local_cka_start(*PAIRS, kernel=kernel), expected)


def test_names_functions_and_arrays_of_the_same_start_lead_to_the_same_matching():
    order = np.random.default_rng(0).permutation(30)
    pairs = PAIRS._replace(query_y=PAIRS.query_y[order])
    matching = local_cka_start(*pairs)
    found = [
        SeededQAP("hollow", start=start).fit(pairs.base_x, pairs.base_y).match(pairs.query_x, pairs.query_y)
        for start in ("local-cka", local_cka_start, matching, np.eye(30)[matching])
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
        assert other.objective == pytest.approx(found[0].objective)


def test_a_function_is_given_the_held_out_task_and_then_the_real_one():
    sizes = []

    def start(*sides):
        sizes.append([len(side) for side in sides])
        return local_cka_start(*sides)

    model = SeededQAP(start=start, folds=4).fit(PAIRS.base_x, PAIRS.base_y)
    model.match(PAIRS.query_x[:20], PAIRS.query_y)
    assert sorted(sizes) == [[30, 30, 30, 40]] * 4 + [[40, 40, 20, 30]]


def test_what_a_function_returns_is_checked():
    model = SeededQAP("faq", start=lambda *sides: np.zeros(30, dtype=int)).fit(PAIRS.base_x, PAIRS.base_y)
    with pytest.raises(DataError, match="a candidate stands twice"):
        model.match(PAIRS.query_x, PAIRS.query_y)


def test_an_array_serves_the_queries_and_held_out_anchors_start_at_the_barycentre():
    found = [
        SeededQAP(start=start).fit(PAIRS.base_x, PAIRS.base_y) for start in (np.full((30, 30), 1 / 30), "barycentre")
    ]
    matched = [model.match(PAIRS.query_x, PAIRS.query_y) for model in found]
    np.testing.assert_array_equal(matched[0], matched[1])
    assert found[0].form_accuracy_ == found[1].form_accuracy_
