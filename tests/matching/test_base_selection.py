import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.matching import selection
from ligature.matching.selection import cluster_base, random_base


def blobs(clusters: int, each: int, seed: int = 0) -> np.ndarray:
    """Returns tight clusters far from each other, the rows of a cluster next to each other."""
    rng = np.random.default_rng(seed)
    return np.repeat(100 * rng.normal(size=(clusters, 6)), each, axis=0) + rng.normal(size=(clusters * each, 6))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**70), st.integers(1, 50), st.data())
def test_random_rows_are_sorted_and_distinct(seed, count, data):
    size = data.draw(st.integers(1, count))
    rows = random_base(count, size, seed)
    assert rows.dtype == np.int64
    assert len(rows) == size
    assert (np.diff(rows) > 0).all()
    assert 0 <= rows[0] <= rows[-1] < count
    assert (rows == random_base(count, size, seed)).all()


@given(st.integers(0, 100), st.integers(1, 20), st.integers(1, 20))
def test_random_rows_of_one_seed_are_nested(seed, one, other):
    smaller, larger = (set(random_base(20, size, seed).tolist()) for size in sorted((one, other)))
    assert smaller <= larger


def test_every_row_is_drawn_equally_often():
    drawn = np.bincount(np.concatenate([random_base(10, 3, seed) for seed in range(3000)]), minlength=10)
    assert np.abs(drawn - 900).max() < 5 * np.sqrt(3000 * 0.3 * 0.7)


def test_every_cluster_gives_the_row_nearest_to_its_mean():
    features = blobs(clusters=8, each=15)
    own = features.reshape(8, 15, 6)
    distances = np.linalg.norm(own - own.mean(axis=1, keepdims=True), axis=2)
    assert cluster_base(features, 8, seed=0).tolist() == (distances.argmin(axis=1) + 15 * np.arange(8)).tolist()


def test_nearness_is_euclidean_and_not_the_angle():
    features = np.array([[1.0, 0.0], [2.0, 0.2], [3.0, 0.0]])
    assert cluster_base(features, 1, seed=0).tolist() == [1]


def test_a_row_wanted_by_two_centres_goes_to_the_one_it_is_nearer_to(monkeypatch):
    distances = np.array([[2.0, 1.0], [3.0, 9.0], [9.0, 1.5]])
    monkeypatch.setattr(selection, "_distances_to_centres", lambda *_: distances.copy())
    assert cluster_base(np.eye(3), 2, seed=0).tolist() == [0, 1]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**70), st.integers(1, 6), st.integers(1, 6), st.data())
def test_repeated_points_still_give_as_many_rows_as_asked(seed, points, copies, data):
    size = data.draw(st.integers(1, points * copies))
    features = np.repeat(np.random.default_rng(seed).normal(size=(points, 3)), copies, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = cluster_base(features, size, seed)
    assert len(rows) == size
    assert (np.diff(rows) > 0).all()
    assert rows.dtype == np.int64


def test_fewer_distinct_points_than_rows_are_all_taken():
    features = np.repeat(np.eye(4), 3, axis=0)
    assert set(cluster_base(features, 7, seed=1) // 3) == {0, 1, 2, 3}


def test_the_same_seed_gives_the_same_rows_and_another_one_others():
    features = np.random.default_rng(0).normal(size=(300, 16))
    first = cluster_base(features, 20, seed=0)
    assert (first == cluster_base(features, 20, seed=0)).all()
    assert (first != cluster_base(features, 20, seed=1)).any()


def test_features_count_as_they_come():
    features = np.random.default_rng(0).normal(size=(200, 4))
    stretched = features * [1, 1, 1, 1000]
    assert (cluster_base(features, 10, seed=0) != cluster_base(stretched, 10, seed=0)).any()


@pytest.mark.parametrize("size", [0, 5])
def test_a_size_beyond_the_rows_is_an_error(size):
    message = f"^base: {size} rows asked for, but there are 4; ask for 1 to 4$"
    with pytest.raises(DataError, match=message):
        random_base(4, size, seed=0)
    with pytest.raises(DataError, match=message):
        cluster_base(np.eye(4), size, seed=0)


def test_a_feature_that_is_not_finite_is_an_error_naming_its_row():
    features = np.eye(4)
    features[3, 0] = np.nan
    with pytest.raises(DataError, match=r"^features: row 3 holds a value that is not finite"):
        cluster_base(features, 2, seed=0)
