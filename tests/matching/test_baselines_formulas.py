import numpy as np
import pytest
from baseline_reference import (
    bandwidth_plain,
    cca_plain,
    cosines_plain,
    kernel_ridge_plain,
    leave_one_out_plain,
    rbf_plain,
    relative_plain,
    ridge_plain,
    sparse_plain,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from latent_pairs import latent_pairs
from scipy.linalg import orthogonal_procrustes

from ligature.matching.baselines import (
    Asif,
    Cosine,
    KernelRidge,
    Procrustes,
    RegularisedCCA,
    Relative,
    Ridge,
    UnregularisedLinear,
)
from ligature.matching.baselines.leave_one_out import PENALTIES, choose_penalty, leave_one_out_errors
from ligature.matching.baselines.vectors import principal_axes

SHAPES = [(25, 6, 9), (12, 30, 20)]
both_shapes = pytest.mark.parametrize(("base", "width_x", "width_y"), SHAPES, ids=["tall", "wide"])


def small_pairs(base, width_x, width_y, seed=0):
    return latent_pairs(base=base, queries=7, width_x=width_x, width_y=width_y, seed=seed)


def rotation(width, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))[0]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([*SHAPES, (4, 2, 1), (9, 8, 3)]), st.integers(0, 99), st.sampled_from(PENALTIES.tolist()))
def test_closed_form_leave_one_out_equals_refits(shape, seed, relative):
    x, y, *_ = small_pairs(*shape, seed=seed)
    axes = principal_axes(x - x.mean(axis=0))
    spectrum = axes.values**2
    penalty = relative * spectrum.mean()
    found = leave_one_out_errors(axes.basis, spectrum, y - y.mean(axis=0), np.array([penalty]))
    plain = leave_one_out_plain(lambda *data: ridge_plain(*data, penalty), x, y)
    assert found == pytest.approx([plain], rel=1e-8)


@both_shapes
def test_the_penalty_of_ridge_is_the_best_of_the_grid_by_refits(base, width_x, width_y):
    x, y, *_ = small_pairs(base, width_x, width_y)
    grid = PENALTIES * np.square(x - x.mean(axis=0)).sum() / min(width_x, base - 1)
    errors = [leave_one_out_plain(lambda *data, penalty=penalty: ridge_plain(*data, penalty), x, y) for penalty in grid]
    assert Ridge().fit(x, y).penalty_ == pytest.approx(grid[np.argmin(errors)], rel=1e-9)


@both_shapes
def test_features_far_from_the_origin_have_the_same_penalty(base, width_x, width_y):
    x, y, *_ = small_pairs(base, width_x, width_y)
    assert Ridge().fit(x + 1e6, y - 1e6).penalty_ == pytest.approx(Ridge().fit(x, y).penalty_, rel=1e-6)


def test_eigenvalues_of_rounding_never_decide_the_penalty():
    for seed in range(150):
        generator = np.random.default_rng(seed)
        x, y = generator.standard_normal((4 + seed % 9, 8)), generator.standard_normal((4 + seed % 9, 8))
        order = generator.permutation(len(x))
        assert KernelRidge().fit(x[order], y[order]).penalties_ == pytest.approx(KernelRidge().fit(x, y).penalties_)
        assert Ridge().fit(x[order], y[order]).penalty_ == pytest.approx(Ridge().fit(x, y).penalty_)


def test_less_noise_asks_for_a_smaller_penalty():
    penalties = []
    for noise in (0.0, 1.0, 4.0):
        pairs = latent_pairs(base=60, queries=1, width_x=30, width_y=10, noise=noise)
        penalties.append(Ridge().fit(pairs.base_x / pairs.base_x.std(), pairs.base_y).penalty_)
    assert penalties == sorted(set(penalties))


def test_targets_wider_than_the_base_are_folded_without_a_change():
    x, y, *_ = small_pairs(12, 5, 40)
    axes = principal_axes(x - x.mean(axis=0))
    targets = y - y.mean(axis=0)
    folded = targets @ np.linalg.svd(targets, full_matrices=False)[2].T
    chosen = [choose_penalty(axes.basis, axes.values**2, some) for some in (targets, folded)]
    assert chosen[0] == chosen[1]


@both_shapes
def test_ridge_scores_are_cosines_of_the_plain_prediction(base, width_x, width_y):
    x, y, query_x, query_y = small_pairs(base, width_x, width_y)
    ridge = Ridge().fit(x, y)
    predicted = ridge_plain(x, y, query_x, ridge.penalty_)
    plain = cosines_plain(predicted - y.mean(axis=0), query_y - y.mean(axis=0))
    assert ridge.score(query_x, query_y) == pytest.approx(plain, abs=1e-9)


@both_shapes
def test_kernel_ridge_scores_are_the_mean_of_two_cosines(base, width_x, width_y):
    x, y, query_x, query_y = small_pairs(base, width_x, width_y)
    kernel = KernelRidge().fit(x, y)
    assert kernel.bandwidths_ == pytest.approx((bandwidth_plain(x), bandwidth_plain(y)))
    to_y = kernel_ridge_plain(x, y, query_x, kernel.penalties_[0], kernel.bandwidths_[0])
    to_x = kernel_ridge_plain(y, x, query_y, kernel.penalties_[1], kernel.bandwidths_[1])
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    plain = cosines_plain(to_y - mean_y, query_y - mean_y) + cosines_plain(query_x - mean_x, to_x - mean_x)
    assert kernel.score(query_x, query_y) == pytest.approx(plain / 2, abs=1e-8)


@both_shapes
def test_the_penalties_of_kernel_ridge_are_the_best_of_the_grid_by_refits(base, width_x, width_y):
    x, y, *_ = small_pairs(base, width_x, width_y)
    kernel = KernelRidge().fit(x, y)
    for one, other, penalty, width in zip((x, y), (y, x), kernel.penalties_, kernel.bandwidths_, strict=True):
        gram = rbf_plain(one, one, width)
        grid = PENALTIES * (np.trace(gram) - gram.mean() * base) / (base - 1)
        refits = [
            leave_one_out_plain(lambda *data, given=(some, width): kernel_ridge_plain(*data, *given), one, other)
            for some in grid
        ]
        assert penalty == pytest.approx(grid[np.argmin(refits)], rel=1e-9)


@pytest.mark.parametrize("base", [10, 40])
def test_procrustes_agrees_with_scipy_where_the_base_determines_the_map(base):
    x, y, query_x, query_y = small_pairs(base, 8, 8)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    turn = orthogonal_procrustes(x - mean_x, y - mean_y)[0]
    procrustes = Procrustes().fit(x, y)
    assert procrustes.dimensions_ == 8
    plain = cosines_plain((query_x - mean_x) @ turn, query_y - mean_y)
    assert procrustes.score(query_x, query_y) == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize(("base", "width_x", "width_y", "kept"), [(40, 9, 5, 5), (6, 9, 20, 5)])
def test_procrustes_compares_the_singular_directions_of_the_cross_covariance(base, width_x, width_y, kept):
    x, y, query_x, query_y = small_pairs(base, width_x, width_y)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    left, _, right = np.linalg.svd((x - mean_x).T @ (y - mean_y))
    plain = cosines_plain((query_x - mean_x) @ left[:, :kept], (query_y - mean_y) @ right[:kept].T)
    procrustes = Procrustes().fit(x, y)
    assert procrustes.dimensions_ == kept
    assert procrustes.score(query_x, query_y) == pytest.approx(plain, abs=1e-9)


@both_shapes
@pytest.mark.parametrize("components", [None, 3])
def test_cca_equals_whitening_by_inverse_roots(base, width_x, width_y, components):
    x, y, query_x, query_y = small_pairs(base, width_x, width_y)
    cca = RegularisedCCA(components=components).fit(x, y)
    plain, correlations = cca_plain(x, y, query_x, query_y, *cca.penalties_, components)
    assert cca.score(query_x, query_y) == pytest.approx(plain, abs=1e-8)
    assert cca.correlations_ == pytest.approx(correlations[: len(cca.correlations_)], abs=1e-9)
    assert (cca.correlations_ < 1).all()


def test_the_penalties_of_cca_are_those_of_ridge_each_way():
    x, y, *_ = small_pairs(20, 10, 30)
    assert RegularisedCCA().fit(x, y).penalties_ == (Ridge().fit(x, y).penalty_, Ridge().fit(y, x).penalty_)


def test_a_penalty_of_cca_that_is_given_is_in_units_of_the_mean_eigenvalue():
    x, y, *_ = small_pairs(20, 4, 30)
    totals = [np.square(side - side.mean(axis=0)).sum() for side in (x, y)]
    expected = 0.5 * totals[0] / 4, 0.5 * totals[1] / 19
    assert RegularisedCCA(penalty=0.5).fit(x, y).penalties_ == pytest.approx(expected)


@both_shapes
@pytest.mark.parametrize("centred", [False, True])
def test_relative_scores_are_cosines_of_cosines(base, width_x, width_y, centred):
    pairs = small_pairs(base, width_x, width_y)
    scores = Relative(centred=centred).fit(*pairs[:2]).score(*pairs[2:])
    assert scores == pytest.approx(relative_plain(*pairs, centred), abs=1e-12)


def test_the_centred_relative_vector_is_kappa_of_linear_local_cka_over_the_lengths_of_the_anchors():
    x, y, query_x, _ = small_pairs(15, 6, 9)
    m = len(x)
    centring, gram = np.eye(m) - 1 / m, x @ x.T
    kappa = (query_x @ x.T - gram.mean(axis=0)) @ centring
    expected = kappa / np.linalg.norm(x - x.mean(axis=0), axis=1)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert Relative(centred=True).fit(x, y).transform_x(query_x) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.booleans(), st.floats(0.01, 100))
def test_relative_scores_survive_rotation_and_scaling_of_either_side(seed, centred, scale):
    x, y, query_x, query_y = small_pairs(10, 6, 8, seed=seed)
    turn_x, turn_y = scale * rotation(6, seed), rotation(8, seed + 1) / scale
    scores = Relative(centred=centred).fit(x, y).score(query_x, query_y)
    turned = Relative(centred=centred).fit(x @ turn_x, y @ turn_y).score(query_x @ turn_x, query_y @ turn_y)
    assert turned == pytest.approx(scores, abs=1e-9)


def test_the_centred_form_survives_a_shift_too_and_the_raw_form_does_not():
    x, y, query_x, query_y = small_pairs(10, 6, 8)
    for centred in (True, False):
        scores = Relative(centred=centred).fit(x, y).score(query_x, query_y)
        shifted = Relative(centred=centred).fit(x + 5, y).score(query_x + 5, query_y)
        assert np.allclose(scores, shifted, atol=1e-9) == centred


@pytest.mark.parametrize(("k", "exponent", "kept"), [(None, 8, 6), (3, 8, 3), (12, 1, 12), (4, 0.5, 4)])
def test_asif_equals_sorting_cutting_and_raising(k, exponent, kept):
    x, y, query_x, query_y = small_pairs(12, 6, 9)
    asif = Asif(k=k, exponent=exponent).fit(x, y)
    assert asif.k_ == kept
    plain = cosines_plain(sparse_plain(query_x, x, kept, exponent), sparse_plain(query_y, y, kept, exponent))
    assert asif.score(query_x, query_y) == pytest.approx(plain, abs=1e-12)


def test_asif_keeps_anchors_that_equal_the_last_one_kept():
    x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    features = Asif(k=1).fit(x, x).transform_x([[2.0, 0.0]])
    assert features == pytest.approx(np.array([[np.sqrt(0.5), np.sqrt(0.5), 0, 0]]))


def test_a_large_exponent_of_asif_does_not_vanish():
    x = np.array([[1.0, 0.1], [0.1, 1.0], [-1.0, -1.0]])
    features = Asif(k=2, exponent=5000).fit(x, x).transform_x([[1.0, 1.0], [1.0, 0.0]])
    assert features == pytest.approx(np.array([[np.sqrt(0.5), np.sqrt(0.5), 0], [1, 0, 0]]))


def test_the_plain_cosine_is_the_plain_cosine():
    x, y, query_x, query_y = small_pairs(10, 6, 6)
    assert Cosine().fit(x, y).score(query_x, query_y) == pytest.approx(cosines_plain(query_x, query_y))


@both_shapes
def test_the_published_linear_baseline_is_the_pseudoinverse_with_no_intercept(base, width_x, width_y):
    x, y, query_x, query_y = small_pairs(base, width_x, width_y)
    plain = cosines_plain(query_x @ np.linalg.pinv(x) @ y, query_y)
    assert UnregularisedLinear().fit(x, y).score(query_x, query_y) == pytest.approx(plain, abs=1e-9)
