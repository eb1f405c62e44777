import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latent_pairs import latent_pairs

from ligature.errors import DataError, ParamsError
from ligature.matching import baselines
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
from ligature.matching.baselines.vectors import principal_axes, unit_rows

METHODS = {
    "ridge": Ridge,
    "kernel-ridge": KernelRidge,
    "procrustes": Procrustes,
    "cca": RegularisedCCA,
    "cca-fixed": lambda: RegularisedCCA(components=2, penalty=0.1),
    "relative": lambda: Relative(centred=False),
    "relative-centred": lambda: Relative(centred=True),
    "asif": Asif,
    "asif-set": lambda: Asif(k=2, exponent=3),
    "cosine": Cosine,
    "linear-unregularised": UnregularisedLinear,
}
each_method = pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def features_of(make, base_x, base_y, x, y):
    matcher = make().fit(base_x, base_y)
    return matcher.transform_x(x), matcher.transform_y(y)


def test_every_baseline_is_tested():
    assert {type(make()).__name__ for make in METHODS.values()} == set(baselines.__all__)


@each_method
def test_features_have_length_one_and_scores_are_their_cosines(make):
    base_x, base_y, x, y = noise(0, 9, 6), noise(1, 9, 6), noise(2, 4, 6), noise(3, 5, 6)
    left, right = features_of(make, base_x, base_y, x, y)
    np.testing.assert_allclose(np.linalg.norm(left, axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(right, axis=1), 1, atol=1e-12)
    scores = make().fit(base_x, base_y).score(x, y)
    assert scores.shape == (4, 5)
    assert scores == pytest.approx(left @ right.T)


@each_method
@pytest.mark.parametrize(("base", "width"), [(60, 20), (30, 80)], ids=["tall", "wide"])
def test_independent_noise_is_matched_by_chance_only(make, base, width):
    hits, queries = np.zeros(2), 150
    sizes = base, base, queries, queries
    for seed in range(3):
        base_x, base_y, x, y = (noise((seed, side), rows, width) for side, rows in enumerate(sizes))
        matcher, own = make().fit(base_x, base_y), np.arange(queries)
        hits += (matcher.match(x, y) == own).sum(), (matcher.rank(x, y, 1)[:, 0] == own).sum()
    assert (hits <= 3 + 5 * np.sqrt(3)).all()


@each_method
def test_the_same_base_gives_the_same_bytes(make):
    pairs = latent_pairs(base=20, queries=10, width_x=30, width_y=30)
    first, second = (features_of(make, *pairs) for _ in range(2))
    assert [side.tobytes() for side in first] == [side.tobytes() for side in second]


@each_method
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), base=st.integers(4, 14))
def test_the_order_of_the_anchors_does_not_matter(make, seed, base):
    base_x, base_y, x, y = noise(seed, base, 8), noise(seed + 1, base, 8), noise(seed + 2, 5, 8), noise(seed + 3, 5, 8)
    order = np.random.default_rng(seed).permutation(base)
    scores = make().fit(base_x, base_y).score(x, y)
    assert make().fit(base_x[order], base_y[order]).score(x, y) == pytest.approx(scores, abs=1e-6)


@each_method
def test_a_row_that_is_not_finite_is_named(make):
    base, broken = noise(0, 6, 4), noise(1, 6, 4)
    broken[3, 1] = np.nan
    with pytest.raises(DataError, match="base_y: row 3 holds a value that is not finite"):
        make().fit(base, broken)
    with pytest.raises(DataError, match="x: row 3 holds a value that is not finite"):
        make().fit(base, base[::-1]).score(broken, base)


@each_method
def test_two_anchors_are_too_few(make):
    with pytest.raises(DataError, match="2 pairs; at least 3"):
        make().fit(noise(0, 2, 4), noise(1, 2, 4))


@each_method
def test_three_anchors_are_enough(make):
    scores = make().fit(noise(0, 3, 7), noise(1, 3, 7)).score(noise(2, 4, 7), noise(3, 4, 7))
    assert np.isfinite(scores).all()
    assert (np.abs(scores) <= 1 + 1e-12).all()


@each_method
def test_queries_of_another_width_are_refused(make):
    matcher = make().fit(noise(0, 6, 4), noise(1, 6, 4))
    with pytest.raises(DataError, match="y: 5 dimensions, the base has 4"):
        matcher.score(noise(2, 3, 4), noise(3, 3, 5))


@each_method
@pytest.mark.parametrize("width", [5, 30])
def test_duplicates_dead_dimensions_and_queries_at_the_origin_give_no_nan(make, width):
    base_x, base_y, x, y = noise(0, 12, width), noise(1, 12, width), noise(2, 6, width), noise(3, 6, width)
    base_x[6:], base_y[6:] = base_x[:6], base_y[:6]
    base_x[:, 1], base_y[:, 0], x[:, 1] = 0.1, 0.0, 0.7
    x[0], y[0], x[1], y[1] = 0, 0, base_x.mean(axis=0), base_y.mean(axis=0)
    for features in features_of(make, base_x, base_y, x, y):
        assert np.isfinite(features).all()
        assert (np.linalg.norm(features, axis=1) <= 1 + 1e-12).all()


@each_method
def test_sides_without_a_correlation_give_no_nan(make):
    base_x, base_y, arms = np.zeros((8, 3)), np.zeros((8, 3)), noise(2, 2, 3)
    base_x[:4], base_y[4:] = [*arms, *-arms], [*arms, *-arms]
    for features in features_of(make, base_x, base_y, noise(0, 4, 3), noise(1, 4, 3)):
        assert np.isfinite(features).all()


@each_method
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_scale_of_both_sides_does_not_matter(make, scale):
    sides = noise(0, 12, 5), noise(1, 12, 5), noise(2, 6, 5), noise(3, 6, 5)
    scores = [make().fit(*some[:2]).score(*some[2:]) for some in (sides, [side * scale for side in sides])]
    assert scores[0] == pytest.approx(scores[1], abs=1e-9)


@pytest.mark.parametrize("make", [Ridge, KernelRidge, Procrustes, RegularisedCCA, Relative])
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_features_whose_squares_do_not_fit_are_refused(make, scale):
    with pytest.raises(DataError, match="base_y: its squares do not fit into float64; scale the features"):
        make().fit(noise(0, 6, 3), noise(1, 6, 3) * scale)


def test_kernel_ridge_names_a_query_too_far_away_for_a_distance():
    queries = noise(2, 4, 3)
    queries[2] = 1e200
    with pytest.raises(DataError, match="x: row 2 is too far from the anchors for float64"):
        KernelRidge().fit(noise(0, 6, 3), noise(1, 6, 3)).transform_x(queries)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "cosine"])
def test_sides_of_unequal_width_are_matched(name):
    pairs = latent_pairs(base=30, queries=20, width_x=24, width_y=40)
    assert METHODS[name]().fit(*pairs[:2]).score(*pairs[2:]).shape == (20, 20)


def test_the_plain_cosine_needs_one_width():
    with pytest.raises(DataError, match=r"cosine: x has 4 dimensions and y has 5; .* such as ridge"):
        Cosine().fit(noise(0, 6, 4), noise(1, 6, 5))


def test_settings_out_of_range_are_named():
    with pytest.raises(ParamsError, match="components is 0"):
        RegularisedCCA(components=0)
    with pytest.raises(ParamsError, match="penalty is 0"):
        RegularisedCCA(penalty=0)
    with pytest.raises(ParamsError, match="k is 0"):
        Asif(k=0)
    with pytest.raises(ParamsError, match="exponent is -1"):
        Asif(exponent=-1)
    with pytest.raises(DataError, match="asif: k = 7, but the base has 6 pairs"):
        Asif(k=7).fit(noise(0, 6, 4), noise(1, 6, 4))
    with pytest.raises(DataError, match="cca: 5 components of a base that has 4"):
        RegularisedCCA(components=5).fit(noise(0, 6, 4), noise(1, 6, 4))


def test_rows_of_zeros_stay_and_no_length_overflows():
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [1e-300, 0.0], [-1e300, 1e300]])
    half = np.sqrt(0.5)
    np.testing.assert_allclose(unit_rows(rows), [[0.6, 0.8], [0, 0], [1, 0], [-half, half]], atol=1e-15)
    assert unit_rows(np.zeros((2, 0))).shape == (2, 0)


def test_principal_axes_leave_rounding_out():
    rows = noise(0, 7, 3) @ noise(1, 3, 20)
    rows -= rows.mean(axis=0)
    axes = principal_axes(rows)
    assert len(axes.values) == 3
    np.testing.assert_allclose(axes.basis * axes.values @ axes.directions.T, rows, atol=1e-12)
