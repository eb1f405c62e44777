import numpy as np
import pytest
from latent_pairs import latent_pairs

from ligature.matching.baselines import (
    Asif,
    KernelRidge,
    Procrustes,
    RegularisedCCA,
    Relative,
    Ridge,
    UnregularisedLinear,
)
from ligature.matching.ranking import top_k_accuracy


def gaussian(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def accuracy(matcher, base_x, base_y, query_x, query_y):
    own = np.arange(len(query_x))
    return float((matcher.fit(base_x, base_y).match(query_x, query_y) == own).mean())


def top1(matcher, base_x, base_y, query_x, query_y):
    scores = matcher.fit(base_x, base_y).score(query_x, query_y)
    return top_k_accuracy(scores, np.arange(len(query_x)), ks=(1,))["top1"]


@pytest.mark.parametrize("method", [Procrustes, Relative, RegularisedCCA, Ridge, KernelRidge])
def test_a_rotation_with_shift_and_scale_is_recovered(method):
    base, queries = gaussian(0, 50, 12) + 3, gaussian(1, 80, 12) + 3
    turn = np.linalg.qr(gaussian(2, 12, 12))[0]
    assert accuracy(method(), base, 7 * base @ turn - 2, queries, 7 * queries @ turn - 2) == 1


def test_procrustes_recovers_a_rotation_exactly():
    base, queries = gaussian(0, 50, 12) + 3, gaussian(1, 80, 12) + 3
    turn = np.linalg.qr(gaussian(2, 12, 12))[0]
    scores = Procrustes().fit(base, 7 * base @ turn - 2).score(queries, 7 * queries @ turn - 2)
    assert np.diag(scores) == pytest.approx(np.ones(80), abs=1e-12)


def test_ridge_recovers_an_affine_map_to_the_smallest_penalty():
    base, queries, weights = gaussian(0, 60, 10), gaussian(1, 80, 10), gaussian(2, 10, 25)
    scores = Ridge().fit(base, base @ weights + 4).score(queries, queries @ weights + 4)
    assert np.diag(scores) == pytest.approx(np.ones(80), abs=1e-9)
    assert accuracy(Ridge(), base, base @ weights + 4, queries, queries @ weights + 4) == 1


def test_the_published_linear_baseline_recovers_a_linear_map():
    base, queries, weights = gaussian(0, 60, 10), gaussian(1, 80, 10), gaussian(2, 10, 25)
    scores = UnregularisedLinear().fit(base, base @ weights).score(queries, queries @ weights)
    assert np.diag(scores) == pytest.approx(np.ones(80), abs=1e-12)


@pytest.mark.parametrize("width", [40, 200], ids=["tall", "wide"])
def test_cca_finds_shared_latents_under_stronger_private_ones(width):
    shared, maps = gaussian(0, 220, 5), [gaussian(seed, 5, width) for seed in (1, 2)]
    private = [3 * gaussian(seed, 220, 3) @ gaussian(seed + 1, 3, width) for seed in (3, 5)]
    noise = [0.3 * gaussian(seed, 220, width) for seed in (7, 8)]
    x, y = (shared @ some + own + rest for some, own, rest in zip(maps, private, noise, strict=True))
    pairs = x[:120], y[:120], x[120:], y[120:]
    found = accuracy(RegularisedCCA(), *pairs)
    assert found > 0.9
    assert found > accuracy(Procrustes(), *pairs) + 0.3
    correlations = RegularisedCCA().fit(*pairs[:2]).correlations_
    assert correlations[4] > 2 * correlations[5]


def test_kernel_ridge_follows_a_bend_that_ridge_cannot():
    angles = np.random.default_rng(0).uniform(-2.8, 2.8, (360, 3))
    circles = np.hstack([np.sin(angles), np.cos(angles)])
    pairs = angles[:300], circles[:300], angles[300:], circles[300:]
    assert accuracy(KernelRidge(), *pairs) > accuracy(Ridge(), *pairs) + 0.5


@pytest.mark.parametrize("scaled", [False, True], ids=["raw", "scaled"])
def test_regularised_maps_beat_the_published_one_near_the_double_descent_peak(scaled):
    pairs = latent_pairs(base=150, queries=150, width_x=150, width_y=200, noise=0.5)
    pairs = pairs.scaled() if scaled else pairs
    published = accuracy(UnregularisedLinear(), *pairs)
    for method in (Ridge(), KernelRidge(), RegularisedCCA()):
        assert accuracy(method, *pairs) > published + 0.15
    for method in (Procrustes(), Relative(centred=True), Asif()):
        assert accuracy(method, *pairs) > 10 / 150


def test_centring_relative_representations_raises_retrieval():
    pairs = latent_pairs(base=150, queries=150, width_x=150, width_y=200, noise=0.5)
    assert top1(Relative(centred=True), *pairs) > top1(Relative(centred=False), *pairs) + 0.05


def test_more_anchors_match_better():
    few, many = (latent_pairs(base=base, queries=100, width_x=96, width_y=128) for base in (20, 300))
    for method in (Ridge, KernelRidge, RegularisedCCA, Relative):
        assert accuracy(method(), *many) > accuracy(method(), *few) + 0.1
