import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from similarity_reference import mutual_knn_plain, neighbour_sets, rbf_cka_plain, related, squared_distances_plain

from ligature.errors import DataError
from ligature.similarity import mutual_knn, rbf_cka
from ligature.similarity.kernels import median_squared_distance, rbf_cka_matrix
from ligature.similarity.neighbours import nearest
from ligature.similarity.tiles import row_tiles, upper_tiles


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 30), st.integers(1, 12))
def test_upper_tiles_hold_every_pair_once(rows, size):
    seen = np.zeros((rows, rows), dtype=int)
    for first, second in upper_tiles(rows, size):
        seen[first, second] += 1
        if first != second:
            seen[second, first] += 1
    assert (seen == 1).all()
    assert [i for tile in row_tiles(rows, size) for i in range(tile.start, tile.stop)] == list(range(rows))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "left", "right"), [(50, 3, 8), (1100, 5, 6), (60, 400, 300)])
def test_rbf_equals_the_published_formula(rows, left, right, dtype):
    x, y = (side.astype(dtype) for side in related(rows, left, right))
    tolerance = 1e-9 if dtype == np.float64 else 1e-5
    assert rbf_cka(x, y, seed=0) == pytest.approx(rbf_cka_plain(x, y), abs=tolerance)


def test_rbf_properties():
    x, y = related(80)
    value = rbf_cka(x, y, seed=0)
    assert 0 < value < 1
    assert rbf_cka(x, x, seed=0) == pytest.approx(1, abs=1e-12)
    assert rbf_cka(y, x, seed=0) == pytest.approx(value, abs=1e-12)
    assert rbf_cka(5 * x + 40, y, seed=0) == pytest.approx(value, abs=1e-9)


def test_rbf_matrix_holds_every_pair():
    x, y = related(90)
    features = [torch.from_numpy(values - values.mean(axis=0)) for values in (x, y, x[:, :4])]
    matrix = rbf_cka_matrix(features, seed=0)
    assert matrix[0, 1] == pytest.approx(rbf_cka(x, y, seed=0), abs=1e-12)
    assert matrix[2, 1] == pytest.approx(rbf_cka_plain(x[:, :4], y), abs=1e-9)
    assert np.diag(matrix) == pytest.approx(1)


def test_median_leaves_out_duplicate_rows():
    x, _ = related(40)
    doubled = np.concatenate([x, x])
    distances = squared_distances_plain(doubled)
    found = median_squared_distance(torch.from_numpy(doubled), seed=0)
    assert found == pytest.approx(np.median(distances[distances > 1e-9]))


def test_median_of_a_seeded_subsample_is_near_and_repeats():
    x, y = related(900)
    whole, part, again = (rbf_cka(x, y, seed=1, median_rows=rows) for rows in (900, 300, 300))
    assert part == again
    assert part != whole
    assert part == pytest.approx(whole, abs=0.01)


@pytest.mark.parametrize(("rows", "neighbours"), [(30, 1), (30, 29), (200, 10), (1300, 5)])
def test_mutual_neighbours_equal_the_plain_count(rows, neighbours):
    x, y = related(rows)
    assert mutual_knn(x, y, neighbours=neighbours) == pytest.approx(mutual_knn_plain(x, y, neighbours))


def test_nearest_across_tiles_never_holds_the_row_itself():
    x, _ = related(1300)
    indices = nearest(torch.from_numpy(x), 7).numpy()
    assert [set(row) for row in indices] == neighbour_sets(x, 7)
    assert not (indices == np.arange(1300)[:, None]).any()


def test_mutual_neighbours_of_one_encoder_and_of_chance():
    x, _ = related(1000)
    noise = np.random.default_rng(9).standard_normal((1000, 20))
    assert mutual_knn(x, 3 * x) == 1
    assert mutual_knn(x, noise) == pytest.approx(10 / 999, abs=0.01)


@pytest.mark.parametrize("neighbours", [0, 20])
def test_neighbours_must_leave_a_row_over(neighbours):
    x, y = related(20)
    with pytest.raises(DataError, match=f"neighbours is {neighbours}, expected from 1 to 19"):
        mutual_knn(x, y, neighbours=neighbours)
