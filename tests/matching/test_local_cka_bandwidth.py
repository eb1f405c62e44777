import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_cka_reference import local_cka_plain, lower_median, squared_distances_plain

from ligature.errors import DataError
from ligature.matching.bandwidth import MedianWindow
from ligature.matching.local_cka import MAX_NODES, LocalCKA
from ligature.matching.local_cka.nodes import TOLERANCE, BandwidthNodes, node_count


def points(seed, size, whole):
    values = np.random.default_rng(seed).normal(size=(size, 2)) * 2
    return np.round(values) if whole else values


@given(seed=st.integers(0, 10**6), size=st.integers(3, 20), items=st.integers(1, 6), whole=st.booleans())
@settings(max_examples=25, deadline=None)
def test_medians_are_those_of_all_distances_sorted(seed, size, items, whole):
    base, queries = points(seed, size, whole), points(seed + 1, items, whole)
    base[0] = base[1] + 1
    queries[-1] = base[0]
    window = MedianWindow(squared_distances_plain(base), "base_x")
    found = window.bandwidths(((queries[:, None] - base) ** 2).sum(axis=-1))
    expected = [lower_median(squared_distances_plain(np.concatenate([query[None], base]))) for query in queries]
    np.testing.assert_array_equal(found, expected)
    assert window.base == lower_median(squared_distances_plain(base))
    assert len(window.values) <= size + 1
    if window.closed:
        assert window.values[0] <= found.min()
        assert found.max() <= window.values[-1]


@pytest.mark.parametrize(("size", "closed"), [(3, False), (4, True), (5, True), (50, True)])
def test_the_window_is_closed_from_four_anchors_on(size, closed):
    window = MedianWindow(squared_distances_plain(points(0, size, False)), "base_x")
    assert window.closed == closed
    if closed:
        extremes = np.array([np.full(size, 1e-9), np.full(size, 1e9)])
        np.testing.assert_array_equal(window.bandwidths(extremes), window.values[[0, -1]])


def test_the_window_is_open_where_almost_all_anchors_are_equal():
    base = np.zeros((9, 2))
    base[0] = 1
    window = MedianWindow(squared_distances_plain(base), "base_x")
    assert not window.closed
    assert window.bandwidths(np.full((1, 9), 1e-3)) == 1e-3


def test_anchors_too_close_for_float64_have_no_median():
    with pytest.raises(DataError, match="base_y: no two anchors"):
        MedianWindow(np.zeros((4, 4)), "base_y")


@pytest.mark.parametrize("ratio", [1, 1 + 1e-15, 1.001, 1.5, 10, 1e3, 1e5])
def test_kernel_values_between_the_nodes_are_within_the_stated_error(ratio):
    lowest, highest = 3.0, 3.0 * ratio
    nodes = BandwidthNodes(lowest, highest, node_count(lowest, highest))
    bandwidths = np.geomspace(lowest, highest, 57)
    distances = np.concatenate([[0], np.geomspace(1e-4, 1e8, 300)])
    interpolated = nodes.weights(bandwidths) @ np.exp(distances / (-2 * nodes.values[:, None]))
    exact = np.exp(distances / (-2 * bandwidths[:, None]))
    assert len(nodes.values) <= MAX_NODES
    assert np.abs(interpolated - exact).max() < TOLERANCE
    np.testing.assert_allclose(nodes.weights(bandwidths).sum(axis=1), 1, rtol=0, atol=1e-13)


def test_the_error_bound_is_not_a_waste_of_nodes():
    lowest, highest = 1.0, 10.0
    nodes = BandwidthNodes(lowest, highest, node_count(lowest, highest) // 2)
    bandwidths, distances = np.geomspace(lowest, highest, 57), np.geomspace(1e-2, 1e3, 300)
    interpolated = nodes.weights(bandwidths) @ np.exp(distances / (-2 * nodes.values[:, None]))
    assert np.abs(interpolated - np.exp(distances / (-2 * bandwidths[:, None]))).max() > 1e4 * TOLERANCE


def test_wider_intervals_need_more_nodes():
    counts = [node_count(1, ratio) for ratio in (1, 1.001, 1.1, 2, 100, 1e5)]
    assert counts == sorted(set(counts))
    assert counts[0] == 1
    assert node_count(1, 1e6) > MAX_NODES


def test_weights_at_a_node_are_its_own():
    nodes = BandwidthNodes(2.0, 5.0, 9)
    np.testing.assert_allclose(nodes.weights(nodes.values), np.eye(9), rtol=0, atol=1e-13)


def two_clusters(gap):
    """Anchors in two equal clusters: the median lies at the edge between short and long distances."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(16, 5))
    base[:8, 0] += gap
    queries = rng.normal(size=(4, 5))
    queries[:2, 0] += gap
    return base, queries


@pytest.mark.parametrize(("gap", "explicit"), [(0, False), (30, False), (1e5, True)])
def test_wide_intervals_take_more_nodes_and_very_wide_ones_the_explicit_triangle(gap, explicit):
    base_x, x = two_clusters(gap)
    base_y, y = two_clusters(1)
    fitted = LocalCKA(nodes=2).fit(base_x, base_y)
    assert (fitted.grams_ is None) == explicit
    if explicit:
        assert fitted.transform_x(x).shape[1] == 16 * 17 // 2 + 16 + 1
    plain = local_cka_plain(base_x, base_y, x, y)
    np.testing.assert_allclose(fitted.score(x, y), plain, rtol=0, atol=1e-12)


def test_more_nodes_than_needed_change_nothing():
    rng = np.random.default_rng(0)
    base_x, base_y, x, y = (rng.normal(size=shape) for shape in ((40, 9), (40, 5), (3, 9), (3, 5)))
    few, many = (LocalCKA(nodes=count).fit(base_x, base_y) for count in (1, 60))
    assert max(few.grams_) < 15
    assert many.grams_ == (60, 60)
    np.testing.assert_allclose(few.score(x, y), many.score(x, y), rtol=0, atol=1e-13)


def test_anchors_that_are_all_equally_far_apart_need_a_single_node():
    base, x = np.eye(6), np.random.default_rng(0).normal(size=(3, 6))
    base[base == 1] = math.sqrt(8)
    fitted = LocalCKA(nodes=1).fit(base, base)
    assert fitted.grams_ == (1, 1)
    np.testing.assert_allclose(fitted.score(x, x), local_cka_plain(base, base, x, x), rtol=0, atol=1e-13)
