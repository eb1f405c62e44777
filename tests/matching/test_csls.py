import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.matching.assignment import assign
from ligature.matching.csls import csls
from ligature.matching.ranking import top_k_accuracy


def plain_csls(scores: np.ndarray, k: int) -> np.ndarray:
    """Returns the corrected scores straight from the formula."""
    queries, candidates = scores.shape
    corrected = np.empty_like(scores)
    for i in range(queries):
        for j in range(candidates):
            of_query, of_candidate = sorted(scores[i])[-k:], sorted(scores[:, j])[-k:]
            corrected[i, j] = 2 * scores[i, j] - sum(of_query) / k - sum(of_candidate) / k
    return corrected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6), st.data())
def test_corrected_scores_follow_the_formula(seed, queries, candidates, data):
    k = data.draw(st.integers(1, min(queries, candidates)))
    scores = np.random.default_rng(seed).normal(size=(queries, candidates))
    np.testing.assert_allclose(csls(scores, k), plain_csls(scores, k), rtol=0, atol=1e-14)


def test_a_hub_no_longer_wins_every_query():
    rng = np.random.default_rng(0)
    truth = np.arange(1, 31)
    scores = rng.normal(0, 0.02, size=(30, 31))
    scores[np.arange(30), truth] += 0.5
    scores[:, 0] += 0.6
    assert top_k_accuracy(scores, truth)["top1"] == 0
    assert top_k_accuracy(csls(scores), truth)["top1"] == 1


def test_the_matching_of_a_square_matrix_stays_the_same():
    scores = np.random.default_rng(1).normal(size=(40, 40))
    assert assign(csls(scores, 5)).tolist() == assign(scores).tolist()


def test_other_queries_of_the_batch_change_the_result():
    scores = np.random.default_rng(2).normal(size=(20, 20))
    assert not np.allclose(csls(scores, 5)[:10], csls(scores[:10], 5))


@pytest.mark.parametrize(
    ("shape", "k", "message"),
    [
        ((20, 5), 10, "csls: 10 neighbours among 5 candidates; give 1 to 5, or more candidates"),
        ((4, 20), 10, "csls: 10 neighbours among 4 queries; give 1 to 4, or more queries"),
        ((4, 4), 0, "csls: 0 neighbours among 4 queries"),
    ],
)
def test_neighbours_beyond_a_side_are_an_error_naming_both(shape, k, message):
    with pytest.raises(DataError, match=f"^{message}"):
        csls(np.ones(shape), k)


def test_scores_are_left_as_they_were():
    scores = np.random.default_rng(3).normal(size=(12, 12))
    before = scores.copy()
    csls(scores)
    assert (scores == before).all()
