import numpy as np
import pytest
from similarity_reference import linear_cka_plain, related

from ligature.similarity import linear_cka, null_summary, permutation_null


def test_each_draw_is_cka_of_a_permuted_side():
    x, y = related(60)
    null = permutation_null(x, y, draws=5, seed=3)
    generator = np.random.default_rng(3)
    plain = [linear_cka_plain(x, y[generator.permutation(60)], debiased=True) for _ in range(5)]
    assert null == pytest.approx(plain, abs=1e-9)


def test_same_seed_same_bytes():
    x, y = (side.astype(np.float32) for side in related(600))
    first, second, other = (permutation_null(x, y, draws=4, seed=seed) for seed in (1, 1, 2))
    assert first.tobytes() == second.tobytes()
    assert not np.array_equal(first, other)


def test_null_is_centred_and_p_values_are_uniform_without_a_relation():
    p_values, z_scores = [], []
    for seed in range(60):
        x, y = related(80, 30, 12, strength=0.0, seed=seed)
        null = permutation_null(x, y, draws=39, seed=seed)
        summary = null_summary(linear_cka(x, y, debiased=True), null)
        p_values.append(summary.p)
        z_scores.append(summary.z)
    assert 0.35 < np.mean(p_values) < 0.65
    assert np.mean(np.array(p_values) <= 0.05) < 0.15
    assert abs(np.mean(z_scores)) < 0.5
    assert 0.7 < np.std(z_scores) < 1.4


def test_a_relation_stands_far_out():
    x, y = related(200)
    null = permutation_null(x, y, draws=99, seed=0)
    summary = null_summary(linear_cka(x, y, debiased=True), null)
    assert abs(summary.mean) < 0.01
    assert summary.z > 10
    assert summary.p == 0.01


def test_summary_by_hand_and_without_draws():
    summary = null_summary(2.0, np.array([0.0, 1.0, 2.0, 3.0]))
    assert summary == pytest.approx((1.5, np.std([0, 1, 2, 3], ddof=1), 0.5 / np.std([0, 1, 2, 3], ddof=1), 3 / 5))
    assert all(np.isnan(null_summary(2.0, np.array([]))))
    assert all(np.isnan(null_summary(float("nan"), np.array([0.0, 1.0]))))
