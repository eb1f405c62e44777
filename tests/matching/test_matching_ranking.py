import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.matching import ranking
from ligature.matching.ranking import ranks, top_k, top_k_accuracy


def sorted_row(row: np.ndarray) -> list[int]:
    """Returns candidates best first, equal ones by index, from a sort of the whole row."""
    return sorted(range(len(row)), key=lambda index: (-row[index], index))


@pytest.fixture(params=[1, 17, ranking.CELLS])
def _blocks_of_any_size(request, monkeypatch):
    monkeypatch.setattr(ranking, "CELLS", request.param)


@pytest.mark.usefixtures("_blocks_of_any_size")
@pytest.mark.parametrize("levels", [1, 2, 4, 1000])
@pytest.mark.parametrize(("queries", "candidates"), [(1, 1), (7, 5), (5, 12)])
def test_ranking_agrees_with_a_sort_of_every_row_however_many_scores_are_equal(levels, queries, candidates):
    rng = np.random.default_rng(levels)
    scores = rng.integers(0, levels, size=(queries, candidates)).astype(float)
    truth = rng.integers(0, candidates, size=queries)
    order = [sorted_row(row) for row in scores]
    for k in range(1, candidates + 1):
        best = top_k(scores, k)
        assert best.dtype == np.int64
        assert best.tolist() == [row[:k] for row in order]
    places = ranks(scores, truth)
    assert places.dtype == np.int64
    assert places.tolist() == [row.index(true) for row, true in zip(order, truth, strict=True)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 9))
def test_the_candidate_at_its_rank_is_the_true_one(seed, queries, candidates):
    rng = np.random.default_rng(seed)
    scores, truth = rng.integers(-3, 3, size=(queries, candidates)), rng.integers(0, candidates, size=queries)
    order = top_k(scores, candidates)
    assert (order[np.arange(queries), ranks(scores, truth)] == truth).all()


def test_zeros_of_either_sign_are_equal():
    assert top_k([[-0.0, 0.0, -1.0]], 2).tolist() == [[0, 1]]
    assert ranks([[-0.0, 0.0]], [1]).tolist() == [1]


def test_accuracy_counts_true_candidates_among_the_best():
    scores = np.tile(np.arange(12.0, 0.0, -1.0), (4, 1))
    assert top_k_accuracy(scores, [0, 4, 9, 11]) == {"top1": 0.25, "top5": 0.5, "top10": 0.75}


def test_ks_above_the_candidates_are_left_out():
    assert top_k_accuracy(np.eye(6), np.arange(6)) == {"top1": 1.0, "top5": 1.0}
    assert top_k_accuracy(np.eye(2), [0, 1], ks=(2, 3)) == {"top2": 1.0}


def test_scores_are_left_as_they_were():
    scores = np.random.default_rng(0).normal(size=(9, 9))
    before = scores.copy()
    top_k(scores, 3)
    ranks(scores, np.arange(9))
    assert (scores == before).all()


@pytest.mark.parametrize("k", [0, 4])
def test_k_beyond_the_candidates_is_an_error(k):
    with pytest.raises(DataError, match=f"^top_k: k = {k}, but there are 3 candidates; give a k of 1"):
        top_k(np.eye(3), k)


def test_accuracy_among_no_candidates_is_an_error():
    with pytest.raises(DataError, match=r"^top_k_accuracy: k = 0; k counts candidates, give at least 1$"):
        top_k_accuracy(np.eye(3), np.arange(3), ks=(1, 0))


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_truth_that_is_no_candidate_is_an_error_naming_its_row(wrong):
    with pytest.raises(DataError, match=f"^truth: row 1 is {wrong}, but candidates are numbered 0 to 2$"):
        ranks(np.eye(3), [0, wrong, 2])


@pytest.mark.parametrize("truth", [[0, 1], [0.0, 1.0, 2.0], [[0], [1], [2]]])
def test_there_is_one_whole_number_of_truth_a_query(truth):
    with pytest.raises(DataError, match=r"^truth: .* of shape .*; give one whole number for 3 queries$"):
        ranks(np.eye(3), truth)


def test_a_score_that_is_not_a_number_is_an_error_naming_its_row():
    scores = np.eye(3)
    scores[2, 0] = np.nan
    for call in (lambda: top_k(scores, 1), lambda: ranks(scores, np.arange(3))):
        with pytest.raises(DataError, match=r"^scores: row 2 holds a value that is not finite"):
            call()
