import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from ligature.errors import DataError
from ligature.matching.draws import Interval, crossed_interval


def simulated(seed: int, k: int, s: int, base: float, query: float, rest: float) -> np.ndarray:
    """Returns values around zero with the given deviations of base draws, query draws and combinations."""
    rng = np.random.default_rng(seed)
    noise = rest * rng.normal(size=(k, s))
    return base * rng.normal(size=(k, 1)) + query * rng.normal(size=(1, s)) + noise


def half_width(values: np.ndarray) -> float:
    interval = crossed_interval(values, 500, share=False)
    return (interval.high - interval.low) / 2


@pytest.mark.parametrize("shape", [(3, 3), (3, 10), (5, 2)])
@pytest.mark.parametrize("deviations", [(1, 1, 0.5), (1, 0.3, 0.5), (1, 0, 0.2), (0, 1, 0.2), (0, 0, 1)])
def test_the_interval_holds_the_mean_in_nine_cases_of_ten_whatever_varies(shape, deviations):
    intervals = [crossed_interval(simulated(seed, *shape, *deviations), 500, share=False) for seed in range(400)]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert covered >= 0.9


def test_draws_passed_for_independent_would_miss_the_mean():
    values = [simulated(seed, 3, 30, 1, 0, 0.2).ravel() for seed in range(400)]
    naive = [abs(cells.mean()) <= t.ppf(0.975, 89) * cells.std(ddof=1) / np.sqrt(90) for cells in values]
    assert np.mean(naive) < 0.5


def test_further_draws_of_the_queries_do_not_average_the_base_away():
    few, many = (np.median([half_width(simulated(seed, 3, s, 1, 0.2, 0.2)) for seed in range(60)]) for s in (4, 200))
    assert many > 0.8 * few
    assert many > 1 / np.sqrt(3)


def test_further_draws_of_both_narrow_the_interval():
    few, many = (np.median([half_width(simulated(seed, n, n, 1, 1, 1)) for seed in range(60)]) for n in (3, 30))
    assert many < few / 3


def test_the_variance_is_that_of_the_analysis_of_variance():
    values = np.array([[0.1, 0.4, 0.3], [0.5, 0.9, 0.6]])
    base, query = values.mean(axis=1), values.mean(axis=0)
    residual = sum((values[i, j] - base[i] - query[j] + values.mean()) ** 2 for i in range(2) for j in range(3)) / 2
    of_base, of_query = 3 * base.var(ddof=1), 2 * query.var(ddof=1)
    variance = (of_base - residual) / 3 / 2 + (of_query - residual) / 2 / 3 + residual / 6
    freedom = (6 * variance) ** 2 / (of_base**2 / 1 + of_query**2 / 2 + residual**2 / 2)
    assert freedom > 1
    expected = t.ppf(0.975, freedom) * np.sqrt(variance)
    assert half_width(values) == pytest.approx(expected)


def test_negative_components_count_as_zero():
    values = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert half_width(values) == pytest.approx(t.ppf(0.975, 1) * np.sqrt(1.0 / 4))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_mean_and_deviation_are_those_of_all_values_and_sides_may_be_swapped(seed, k, s):
    values = np.random.default_rng(seed).random((k, s))
    interval = crossed_interval(values, 100)
    assert interval.mean == pytest.approx(values.mean())
    assert 0 <= interval.low <= interval.mean <= interval.high <= 1
    assert np.isnan(interval.sd) if k * s == 1 else interval.sd == pytest.approx(values.std(ddof=1))
    swapped = crossed_interval(values.T, 100)
    assert (interval.low, interval.high) == pytest.approx((swapped.low, swapped.high))


@pytest.mark.parametrize("shape", [(1, 4), (4, 1)])
def test_where_one_factor_varies_its_draws_are_independent(shape):
    values = np.array([0.2, 0.5, 0.4, 0.3])
    expected = t.interval(0.95, 3, loc=values.mean(), scale=values.std(ddof=1) / 2)
    interval = crossed_interval(values.reshape(shape), 500)
    assert (interval.low, interval.high) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3)])
@pytest.mark.parametrize("right", [0, 7, 50])
def test_a_share_that_does_not_vary_gets_the_interval_of_its_queries(shape, right):
    interval = crossed_interval(np.full(shape, right / 50), 50)
    expected = binomtest(right, 50).proportion_ci(method="wilson")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_a_single_value_that_is_no_share_has_no_interval():
    interval = crossed_interval([[0.4]], 500, share=False)
    assert interval.mean == 0.4
    assert np.isnan([interval.low, interval.high, interval.sd]).all()


def test_equal_values_that_are_no_share_agree():
    assert crossed_interval([[0.25, 0.25]], 500, share=False) == Interval(0.25, 0.25, 0.25, 0.0)


def test_only_shares_are_cut_to_what_a_share_can_be():
    values = np.array([[0.0, 0.9], [0.1, 1.0]])
    cut, free = crossed_interval(values, 10), crossed_interval(values, 10, share=False)
    assert (cut.low, cut.high) == (0, 1)
    assert free.low < 0
    assert free.high > 1
    above = crossed_interval(values + 1, 10)
    assert (above.low, above.high) == pytest.approx((free.low + 1, free.high + 1))


@pytest.mark.parametrize(
    ("values", "n", "message"),
    [
        ([0.1, 0.2], 5, r"draws: values of shape \(2,\); give a matrix \[base draws, query draws\]"),
        ([[]], 5, r"draws: values of shape \(1, 0\); give a matrix"),
        (
            [[0.1, 0.2], [0.3, np.nan]],
            5,
            "draws: the value of base draw 1 and query draw 1 is not finite; run it again",
        ),
        ([[0.1]], 0, "draws: 0 queries in a draw; there must be at least one"),
    ],
)
def test_values_that_are_no_matrix_of_results_are_errors(values, n, message):
    with pytest.raises(DataError, match=f"^{message}"):
        crossed_interval(values, n)
