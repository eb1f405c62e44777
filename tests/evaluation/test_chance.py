import numpy as np
import pytest

from ligature.errors import DataError
from ligature.evaluation import (
    chance_recall,
    chance_retrieval_recall,
    chance_top_k,
    retrieval_ranks,
    zero_shot_accuracy,
)


@pytest.mark.parametrize(("k", "n_candidates", "n_positives"), [(1, 20, 5), (5, 20, 5), (10, 20, 1), (3, 7, 2)])
def test_chance_of_recall_agrees_with_random_rankings(k, n_candidates, n_positives):
    rng = np.random.default_rng(0)
    rankings = rng.permuted(np.tile(np.arange(n_candidates), (40_000, 1)), axis=1)
    simulated = np.mean((rankings[:, :k] < n_positives).any(axis=1))
    assert chance_recall(k, n_candidates, n_positives) == pytest.approx(simulated, abs=0.01)


def test_chance_of_recall_is_exact_where_it_is_known():
    assert chance_recall(1, 25_000, 5) == 5 / 25_000
    assert chance_recall(10, 5_000) == 10 / 5_000
    assert chance_recall(2, 4, 2) == pytest.approx(5 / 6, abs=1e-15)
    assert chance_recall(6, 10, 5) == 1
    assert chance_recall(99, 10) == 1


def test_tiny_chances_of_large_sets_keep_their_digits():
    n = 10**9
    assert chance_recall(10, n, 5) == pytest.approx(50 / n, rel=1e-6)


def test_chance_of_retrieval_agrees_with_random_features():
    rng = np.random.default_rng(1)
    image_of_text = np.repeat([0, 1, 2, 3, 5], [1, 2, 5, 5, 3])
    runs = [retrieval_ranks(rng.normal(size=(6, 8)), rng.normal(size=(16, 8)), image_of_text) for _ in range(1500)]
    chance = chance_retrieval_recall(image_of_text, 6, ks=(1, 4))
    for k in (1, 4):
        assert chance[f"i2t_recall@{k}"] == pytest.approx(np.mean([r.i2t <= k for r in runs]), abs=0.02)
        assert chance[f"t2i_recall@{k}"] == pytest.approx(np.mean([r.t2i <= k for r in runs]), abs=0.02)


def test_chance_of_top_k_agrees_with_random_features():
    rng = np.random.default_rng(2)
    measured = zero_shot_accuracy(rng.normal(size=(20_000, 12)), rng.normal(size=(8, 12)), np.arange(20_000) % 8)
    assert chance_top_k(1, 8) == pytest.approx(measured["top1"], abs=0.01)
    assert chance_top_k(5, 8) == pytest.approx(measured["top5"], abs=0.01)


@pytest.mark.parametrize(
    "call",
    [
        lambda: chance_recall(0, 5),
        lambda: chance_recall(1, 5, 0),
        lambda: chance_recall(1, 5, 6),
        lambda: chance_top_k(6, 5),
        lambda: chance_retrieval_recall(np.array([], dtype=int), 5),
    ],
)
def test_undefined_chances_are_errors(call):
    with pytest.raises(DataError):
        call()
