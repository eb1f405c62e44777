import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_cka_reference import local_cka_plain

from ligature.errors import DataError, ParamsError
from ligature.matching import kernels
from ligature.matching.local_cka import LocalCKA


def laplace(a, b):
    """A positive semidefinite kernel that the library does not have."""
    return np.exp(-np.abs(a[:, None, :] - b[None, :, :]).sum(axis=-1) / 5)


MODES = [{}, {"bandwidth": "fixed"}, {"kernel": "linear"}, {"kernel": laplace}]
MODE_IDS = ["rbf", "rbf-fixed", "linear", "callable"]
modes = pytest.mark.parametrize("mode", MODES, ids=MODE_IDS)


def world(seed, size, queries=4, widths=(6, 4), whole=False):
    """Paired anchors and queries of two sides; whole numbers give ties, equal rows and queries equal to anchors."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(size + queries, 3))
    x, y = (latent @ rng.normal(size=(3, d)) + 0.5 * rng.normal(size=(size + queries, d)) for d in widths)
    if whole:
        x, y = np.round(x), np.round(y)
        x[0], y[1] = x[1] + 1, y[0] + 1
    return x[:size], y[:size], x[size:], y[size:]


worlds = st.builds(
    world,
    seed=st.integers(0, 10**6),
    size=st.integers(3, 14),
    queries=st.integers(1, 4),
    widths=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    whole=st.booleans(),
)


def test_it_agrees_with_the_published_medians_of_torch():
    import torch
    from local_cka_reference import lower_median, squared_distances_plain

    for size in range(3, 9):
        distances = squared_distances_plain(np.random.default_rng(size).normal(size=(size, 2)))
        distances[0, 1] = distances[1, 0] = 0
        values = torch.from_numpy(distances)
        assert lower_median(distances) == float(values[values != 0].median())


@modes
@given(data=worlds)
@settings(max_examples=25, deadline=None)
def test_scores_equal_the_formula_on_bordered_grams(mode, data):
    scores = LocalCKA(**mode).fit(*data[:2]).score(*data[2:])
    np.testing.assert_allclose(scores, local_cka_plain(*data, **mode), rtol=0, atol=1e-10)


@modes
@given(data=worlds)
@settings(max_examples=25, deadline=None)
def test_float32_input_agrees_with_the_formula_in_float32(mode, data):
    data = [values.astype(np.float32) for values in data]
    scores = LocalCKA(**mode).fit(*data[:2]).score(*data[2:])
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, local_cka_plain(*data, **mode), rtol=0, atol=1e-5)


@modes
@given(data=worlds)
@settings(max_examples=25, deadline=None)
def test_scores_lie_between_zero_and_one(mode, data):
    scores = LocalCKA(**mode).fit(*data[:2]).score(*data[2:])
    assert scores.min() >= -1e-12
    assert scores.max() <= 1 + 1e-12


@modes
@given(data=worlds)
@settings(max_examples=25, deadline=None)
def test_swapping_the_sides_transposes_the_scores(mode, data):
    base_x, base_y, x, y = data
    there = LocalCKA(**mode).fit(base_x, base_y).score(x, y)
    back = LocalCKA(**mode).fit(base_y, base_x).score(y, x)
    np.testing.assert_allclose(there, back.T, rtol=0, atol=1e-12)


@given(data=worlds, scale=st.floats(1e-3, 1e3), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_linear_scores_do_not_change_with_rotation_scale_or_origin(data, scale, seed):
    base_x, base_y, x, y = data
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(x.shape[1],) * 2))[0] * scale
    origin = 10 * scale * rng.normal(size=x.shape[1])
    plain = LocalCKA("linear").fit(base_x, base_y).score(x, y)
    moved = LocalCKA("linear").fit(base_x @ rotation + origin, base_y).score(x @ rotation + origin, y)
    np.testing.assert_allclose(moved, plain, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", range(3, 13))
@modes
def test_small_bases_are_exact(mode, size):
    data = world(size, size)
    scores = LocalCKA(**mode).fit(*data[:2]).score(*data[2:])
    np.testing.assert_allclose(scores, local_cka_plain(*data, **mode), rtol=0, atol=1e-12)


@modes
def test_a_base_of_many_anchors_is_exact(mode):
    data = world(0, 90, widths=(20, 30))
    scores = LocalCKA(**mode).fit(*data[:2]).score(*data[2:])
    np.testing.assert_allclose(scores, local_cka_plain(*data, **mode), rtol=0, atol=1e-13)


@modes
def test_equal_anchors_and_queries_equal_to_anchors_are_exact(mode):
    base_x, base_y, x, y = world(1, 12)
    base_x[3:7], base_y[0], x[0], x[1], y[2] = base_x[2], base_y[5], base_x[2], base_x[8], base_y[5]
    scores = LocalCKA(**mode).fit(base_x, base_y).score(x, y)
    plain = local_cka_plain(base_x, base_y, x, y, **mode)
    np.testing.assert_allclose(scores, plain, rtol=0, atol=1e-12)


@modes
def test_all_anchors_but_one_may_be_equal(mode):
    base_x, base_y, x, y = world(2, 9)
    base_x[1:] = base_x[0] + 1
    x[0] = base_x[1]
    scores = LocalCKA(**mode).fit(base_x, base_y).score(x, y)
    np.testing.assert_allclose(scores, local_cka_plain(base_x, base_y, x, y, **mode), rtol=0, atol=1e-12)


@modes
def test_equal_rows_far_from_the_origin_are_recognised(mode):
    base_x, base_y, x, y = world(3, 10)
    base_x[4], x[0] = base_x[3], base_x[6]
    far = base_x + 1000, base_y, x + 1000, y
    scores = LocalCKA(**mode).fit(*far[:2]).score(*far[2:])
    np.testing.assert_allclose(scores, local_cka_plain(*far, **mode), rtol=0, atol=1e-9)


@modes
def test_a_constant_dimension_changes_nothing(mode):
    base_x, base_y, x, y = world(4, 8)
    wide = [np.insert(values, 2, 7.0, axis=1) for values in (base_x, x)]
    plain = LocalCKA(**mode).fit(base_x, base_y).score(x, y)
    np.testing.assert_allclose(LocalCKA(**mode).fit(wide[0], base_y).score(wide[1], y), plain, rtol=0, atol=1e-12)


@modes
def test_one_query_scores_as_it_does_among_others(mode):
    base_x, base_y, x, y = world(5, 30)
    fitted = LocalCKA(**mode).fit(base_x, base_y)
    one = fitted.score(x[1:2], y[3:4])
    assert one.shape == (1, 1)
    assert one[0, 0] == pytest.approx(fitted.score(x, y)[1, 3], abs=1e-14)


@modes
def test_vectors_have_unit_length_and_their_product_is_the_score(mode):
    base_x, base_y, x, y = world(6, 30)
    fitted = LocalCKA(**mode).fit(base_x, base_y)
    left, right = fitted.transform_x(x), fitted.transform_y(y)
    assert left.shape == (len(x), sum(fitted.grams_) + 30 + 1)
    np.testing.assert_allclose(np.linalg.norm(left, axis=1), 1, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(left @ right.T, fitted.score(x, y))


def test_true_pairs_are_ranked_first_and_matched():
    base_x, base_y, x, y = world(7, 60, queries=12, widths=(40, 50))
    fitted = LocalCKA().fit(base_x, base_y)
    np.testing.assert_array_equal(fitted.match(x, y), np.arange(12))
    assert (fitted.rank(x, y, k=1)[:, 0] == np.arange(12)).mean() > 0.7


def test_a_fixed_bandwidth_is_close_to_the_exact_one_but_not_equal():
    base_x, base_y, x, y = world(8, 60, widths=(20, 30))
    exact, fixed = (LocalCKA(bandwidth=b).fit(base_x, base_y).score(x, y) for b in ("per-query", "fixed"))
    assert 1e-9 < np.abs(exact - fixed).max() < 1e-2


def test_a_linear_kernel_takes_a_fixed_bandwidth_and_ignores_it():
    base_x, base_y, x, y = world(9, 8)
    fixed = LocalCKA("linear", bandwidth="fixed").fit(base_x, base_y).score(x, y)
    np.testing.assert_array_equal(fixed, LocalCKA("linear").fit(base_x, base_y).score(x, y))


@modes
def test_a_value_that_is_not_finite_is_named_by_its_row(mode):
    base_x, base_y, x, _ = world(10, 8)
    fitted = LocalCKA(**mode).fit(base_x, base_y)
    x[2, 1] = np.nan
    with pytest.raises(DataError, match="x: row 2 "):
        fitted.transform_x(x)
    base_y[5, 0] = np.inf
    with pytest.raises(DataError, match="base_y: row 5 "):
        LocalCKA(**mode).fit(base_x, base_y)


def test_another_width_than_the_base_is_refused():
    base_x, base_y, x, y = world(11, 8)
    fitted = LocalCKA().fit(base_x, base_y)
    with pytest.raises(DataError, match="x: 4 dimensions, the base has 6"):
        fitted.score(y, y)
    with pytest.raises(DataError, match="y: 6 dimensions, the base has 4"):
        fitted.score(x, x)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mode", MODES[:3], ids=MODE_IDS[:3])
@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_features_beyond_the_range_of_float64_are_an_error_and_no_number(mode, scale):
    base_x, base_y, x, _ = world(12, 8)
    with pytest.raises(DataError, match="base_y: "):
        LocalCKA(**mode).fit(base_x, scale * base_y)
    if scale > 1:
        x[3] *= scale
        with pytest.raises(DataError, match="x: the kernel of row 3 "):
            LocalCKA(**mode).fit(base_x, base_y).transform_x(x)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e100, 1e-80])
def test_linear_features_whose_squared_products_leave_float64_are_an_error(scale):
    base_x, base_y, x, _ = world(12, 8)
    with pytest.raises(DataError, match="base_x: the kernel"):
        LocalCKA("linear").fit(scale * base_x, base_y)
    if scale > 1:
        with pytest.raises(DataError, match="x: the kernel of row 0 "):
            LocalCKA("linear").fit(base_x, base_y).transform_x(scale * x)


@pytest.mark.parametrize("mode", MODES[:3], ids=MODE_IDS[:3])
def test_a_row_of_a_later_block_is_named_by_its_place_in_the_whole(mode, monkeypatch):
    base_x, base_y, x, _ = world(13, 8, queries=30)
    monkeypatch.setattr(kernels, "BLOCK", 8 * 5)
    x[27] = 1e200
    with pytest.raises(DataError, match="x: the kernel of row 27 "):
        LocalCKA(**mode).fit(base_x, base_y).transform_x(x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": "cosine"}, "kernel is 'cosine': use one of rbf, linear"),
        ({"bandwidth": "median"}, "bandwidth is 'median': use one of per-query, fixed"),
        ({"nodes": 0}, "nodes is 0: use a number from 1 to 128"),
    ],
)
def test_settings_that_do_not_exist_are_refused(arguments, message):
    with pytest.raises(ParamsError, match=message):
        LocalCKA(**arguments)
