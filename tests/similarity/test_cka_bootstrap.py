import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from similarity_reference import hsic_1, linear_cka_plain, related, weighted_hsic_plain

from ligature.similarity import bootstrap_interval, linear_cka
from ligature.similarity.bootstrap import bootstrap_values, percentile_interval, weighted_hsic


def hsic_of(x, y, weights):
    features = [torch.from_numpy(x), torch.from_numpy(y)]
    result = weighted_hsic(features, [(0, 1), (0, 0)], torch.tensor(np.array(weights), dtype=torch.float64).T)
    return result[0, 1].numpy(), result[0, 0].numpy()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=8, max_size=8).filter(lambda w: np.count_nonzero(w) >= 4))
def test_weighted_hsic_equals_the_enumeration_of_distinct_rows(weights):
    x, y = related(8, 3, 5)
    cross, own = hsic_of(x, y, [weights])
    assert cross[0] == pytest.approx(weighted_hsic_plain(x, y, weights), abs=1e-8)
    assert own[0] == pytest.approx(weighted_hsic_plain(x, x, weights), abs=1e-8)


def test_unit_weights_give_hsic_1_across_tiles():
    x, y = related(1300, 6, 4)
    cross, own = hsic_of(x, y, [np.ones(1300), np.full(1300, 2.0)])
    assert cross == pytest.approx(hsic_1(x @ x.T, y @ y.T), rel=1e-9)
    assert own == pytest.approx(hsic_1(x @ x.T, x @ x.T), rel=1e-9)


def test_absent_rows_do_not_count_across_tiles():
    x, y = related(1300, 6, 4)
    weights = np.random.default_rng(0).integers(0, 2, 1300)
    kept = weights == 1
    cross, _ = hsic_of(x, y, [weights])
    assert cross[0] == pytest.approx(hsic_1(x[kept] @ x[kept].T, y[kept] @ y[kept].T), rel=1e-9)


def test_too_few_distinct_rows_have_no_value():
    x, y = related(8, 3, 5)
    cross, _ = hsic_of(x, y, [[4, 3, 1, 0, 0, 0, 0, 0], [5, 1, 1, 1, 0, 0, 0, 0]])
    assert np.isnan(cross[0])
    assert np.isfinite(cross[1])


def test_resamples_do_not_inflate_the_estimate():
    x, y = related(300, 300, 300, strength=0.1)
    estimate = linear_cka(x, y, debiased=True)
    values = bootstrap_values([torch.from_numpy(x), torch.from_numpy(y)], [(0, 1)], draws=300, seed=0)[0, 1]
    spread = values.std()
    assert abs(values.mean() - estimate) < 4 * spread / np.sqrt(300) + 0.1 * spread
    copies = np.random.default_rng(0).integers(300, size=300)
    assert linear_cka_plain(x[copies], y[copies], debiased=True) > estimate + 10 * spread


@pytest.mark.parametrize("rows", [100, 1100])
def test_interval_holds_the_estimate(rows):
    for seed in range(4):
        x, y = (side.astype(np.float32) for side in related(rows, strength=0.4, seed=seed))
        low, high = bootstrap_interval(x, y, draws=100, seed=seed)
        assert low < linear_cka(x, y, debiased=True) < high
        assert high - low < 0.5


def test_interval_narrows_with_rows_and_widens_with_confidence():
    x, y = related(2000, 10, 12, strength=0.4)
    few = np.diff(bootstrap_interval(x[:500], y[:500], draws=200, seed=0))
    many = np.diff(bootstrap_interval(x, y, draws=200, seed=0))
    assert 1.4 < few / many < 2.9
    assert np.diff(bootstrap_interval(x, y, draws=200, seed=0, confidence=0.8)) < many


def test_same_seed_same_bytes_and_identity_is_exactly_one():
    x, y = related(200)
    assert bootstrap_interval(x, y, draws=20, seed=5) == bootstrap_interval(x, y, draws=20, seed=5)
    assert bootstrap_interval(x, x, draws=20, seed=5) == pytest.approx((1, 1), abs=1e-9)


def test_percentiles_pass_over_what_is_not_finite():
    assert percentile_interval(np.array([0.0, 1.0, np.nan, 2.0]), 0.5) == (0.5, 1.5)
    assert all(np.isnan(percentile_interval(np.array([np.nan]), 0.95)))
    assert all(np.isnan(percentile_interval(np.array([]), 0.95)))


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "width", "strength"), [(500, 64, 0.3), (500, 16, 1.0), (2000, 64, 0.3)])
def test_interval_covers_the_population_value(rows, width, strength):
    generator = np.random.default_rng(1)
    a, b = (generator.standard_normal((8, width)) * strength for _ in range(2))
    spectra = [np.linalg.norm(m.T @ m + np.eye(width)) for m in (a, b)]
    population = np.linalg.norm(a.T @ b) ** 2 / (spectra[0] * spectra[1])
    covered = []
    for seed in range(60):
        draw = np.random.default_rng(seed)
        latent = draw.standard_normal((rows, 8))
        x, y = ((latent @ m + draw.standard_normal((rows, width))).astype(np.float32) for m in (a, b))
        low, high = bootstrap_interval(x, y, draws=200, seed=seed)
        covered.append(low <= population <= high)
    assert np.mean(covered) >= 0.85
