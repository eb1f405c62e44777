import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.matching.stretching import dimension_scales, stretch


def sides(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns base and queries of four dimensions of very different spread, away from the origin."""
    rng = np.random.default_rng(seed)
    spread = np.array([1e-3, 1.0, 50.0, 7.0])
    return 5 + spread * rng.normal(size=(30, 4)), 4 + 2 * spread * rng.normal(size=(20, 4))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(-150, 150))
def test_scales_are_one_over_the_unbiased_deviation(seed, n, exponent):
    rows = np.random.default_rng(seed).normal(1, 1, size=(n, 3)) * 10.0**exponent
    deviations = [statistics.stdev(column) for column in rows.T.tolist()]
    np.testing.assert_allclose(dimension_scales(rows), 1 / np.array(deviations), rtol=1e-9)


def test_a_stretched_base_has_deviation_one_and_is_not_centred():
    base, query = sides()
    scaled, _ = stretch(base, query)
    np.testing.assert_allclose(scaled.std(axis=0, ddof=1), 1, rtol=1e-12)
    np.testing.assert_allclose(scaled.mean(axis=0), base.mean(axis=0) / base.std(axis=0, ddof=1), rtol=1e-12)


def test_queries_change_nothing_but_themselves_unless_the_stretch_is_transductive():
    base, query = sides()
    for extra in (query, query[:3], 1000 * query):
        scaled, others = stretch(base, extra)
        assert (scaled == stretch(base, query)[0]).all()
        np.testing.assert_allclose(others, extra / base.std(axis=0, ddof=1), rtol=1e-12)
    assert not np.allclose(stretch(base, query, transductive=True)[0], stretch(base, query[:3], transductive=True)[0])


def test_a_transductive_stretch_measures_both_sides_together():
    base, query = sides()
    deviations = np.concatenate([base, query]).std(axis=0, ddof=1)
    scaled, others = stretch(base, query, transductive=True)
    np.testing.assert_allclose(scaled, base / deviations, rtol=1e-12)
    np.testing.assert_allclose(others, query / deviations, rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e8, 1e-200, 5e-324])
def test_a_dead_dimension_drops_out(value):
    base, query = sides()
    base[:, 1] = value
    scaled, others = stretch(base, query)
    assert (scaled[:, 1] == 0).all()
    assert (others[:, 1] == 0).all()
    assert np.isfinite(others).all()
    assert (others[:, [0, 2, 3]] != 0).all()


def test_a_dimension_of_rounding_errors_drops_out_and_a_small_signal_does_not():
    rng = np.random.default_rng(0)
    noise = (1 + 1e-7 * rng.normal(size=50)).astype(np.float32)
    rows = np.stack([noise.astype(np.float64), 1e-12 * rng.normal(size=50)], axis=1)
    scales = dimension_scales(rows)
    assert scales[0] == 0
    assert scales[1] == pytest.approx(1 / rows[:, 1].std(ddof=1))


def test_lists_and_small_floats_become_float64():
    base, query = sides()
    for side in stretch(base.astype(np.float16), query.tolist()):
        assert side.dtype == np.float64


def test_different_widths_are_an_error():
    with pytest.raises(DataError, match=r"^query: 3 dimensions, the base has 4; use the same encoder for both$"):
        stretch(np.eye(4), np.eye(3))


def test_a_single_row_has_no_deviation():
    with pytest.raises(DataError, match=r"^dimension_scales: one row has no deviation; give at least two$"):
        dimension_scales([[1.0, 2.0]])


@pytest.mark.parametrize("side", [0, 1])
def test_a_value_that_is_not_finite_is_an_error_naming_side_and_row(side):
    given_sides = list(sides())
    given_sides[side][7, 2] = np.nan
    with pytest.raises(DataError, match=f"^{('base', 'query')[side]}: row 7 holds a value that is not finite"):
        stretch(*given_sides)
