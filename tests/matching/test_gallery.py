"""A gallery is searched as a plain sort would, keeps small differences in float32, and refuses what is damaged."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from ligature.errors import DataError, StoreError
from ligature.matching import gallery
from ligature.matching.gallery import Gallery


def made(count=30, width=5, seed=0):
    features = np.random.default_rng(seed).normal(size=(count, width))
    return Gallery.of([f"{row}.jpg" for row in range(count)], features), features


def plain_search(features, queries, k):
    scores = queries @ features.T
    rows = np.array([sorted(range(len(features)), key=lambda row: (-of[row], row))[:k] for of in scores])
    return np.take_along_axis(scores, rows, axis=1), rows


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 9), st.integers(0, 999), st.integers(1, 60))
def test_search_is_a_sort_of_dot_products_whatever_the_block(count, width, queries, seed, cells):
    random = np.random.default_rng(seed)
    features, asked = random.normal(size=(count, width)), random.normal(size=(queries, width))
    k = int(random.integers(1, count + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "CELLS", cells)
        scores, rows = Gallery.of([str(row) for row in range(count)], features).search(asked, k)
    expected, order = plain_search(features, asked, k)
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_equal_items_come_in_the_order_of_rows():
    features = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    _, rows = Gallery.of(list("abcd"), features).search([[1.0, 0.0], [0.0, 1.0]], 3)
    assert rows.tolist() == [[1, 3, 0], [0, 2, 1]]


def test_float32_keeps_differences_far_below_the_common_part():
    random = np.random.default_rng(0)
    common = random.normal(size=64)
    common /= np.linalg.norm(common)
    features = common + 1e-6 * random.normal(size=(500, 64))
    queries = random.normal(size=(20, 64))
    scores, rows = Gallery.of([str(row) for row in range(500)], features).search(queries, 10)
    expected, order = plain_search(features, queries, 10)
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_allclose(scores, expected, atol=1e-11)
    cast = (queries.astype(np.float32) @ features.astype(np.float32).T).argsort(axis=1)[:, ::-1]
    assert (cast[:, :10] != order).any(), "without centring float32 would do, and the test shows nothing"


def test_a_gallery_is_kept_in_one_file_of_the_same_bytes(tmp_path):
    kept, features = made()
    kept.save(tmp_path / "a")
    kept.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded = Gallery.load(tmp_path / "a")
    assert loaded.names == kept.names
    assert loaded.features.dtype == np.float32
    np.testing.assert_allclose(loaded.features + loaded.offset, features, atol=1e-6)
    np.testing.assert_array_equal(loaded.search(features[:2], 4)[1], kept.search(features[:2], 4)[1])


def test_names_are_kept_as_they_are_and_nothing_looks_for_their_files(tmp_path):
    names = ["../../etc/passwd", "/etc/passwd", 'a "b",\n.jpg', "ü.jpg"]
    Gallery.of(names, np.eye(4)).save(tmp_path / "gallery")
    assert Gallery.load(tmp_path / "gallery").names == names


@pytest.mark.parametrize(
    ("names", "features", "words"),
    [
        (["a"], np.eye(2), "1 names for 2 items"),
        (["a", "b"], np.array([[1.0], [np.nan]]), "not finite"),
        (["a", "b"], np.array([[1e300], [-1e300]]), "not finite"),
        ([], np.empty((0, 3)), "empty"),
        (["a"], np.ones(3), "expected a matrix"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_no_gallery_is_refused(names, features, words):
    with pytest.raises(DataError, match=words):
        Gallery.of(names, features)


@pytest.mark.parametrize(
    ("queries", "k", "words"),
    [
        (np.ones((1, 4)), 3, "4 dimensions, the base has 5"),
        (np.full((1, 5), np.inf), 3, "not finite"),
        (np.ones((1, 5)), 0, "k = 0"),
        (np.ones((1, 5)), 31, "k = 31"),
    ],
)
def test_a_wrong_search_is_named(queries, k, words):
    with pytest.raises(DataError, match=words):
        made()[0].search(queries, k)


FEATURES, OFFSET = np.ones((2, 3), np.float32), np.zeros(3)


@pytest.mark.parametrize(
    ("tensors", "names"),
    [
        ({"features": FEATURES, "offset": OFFSET}, json.dumps(["a"])),
        ({"features": FEATURES, "offset": OFFSET}, json.dumps(["a", 2])),
        ({"features": FEATURES, "offset": OFFSET}, json.dumps("ab")),
        ({"features": FEATURES, "offset": OFFSET}, "["),
        ({"features": FEATURES, "offset": OFFSET}, "[" * 100_000),
        ({"features": FEATURES, "offset": OFFSET}, None),
        ({"features": FEATURES}, json.dumps(["a", "b"])),
        ({"features": FEATURES[0], "offset": OFFSET}, json.dumps(["a", "b"])),
        ({"features": FEATURES.astype(np.float64), "offset": OFFSET}, json.dumps(["a", "b"])),
        ({"features": FEATURES, "offset": OFFSET[:2]}, json.dumps(["a", "b"])),
        ({"features": FEATURES * np.nan, "offset": OFFSET}, json.dumps(["a", "b"])),
        ({"features": FEATURES, "offset": OFFSET + np.inf}, json.dumps(["a", "b"])),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, tensors, names):
    save_file(tensors, tmp_path / "gallery", metadata=None if names is None else {"names": names})
    with pytest.raises(StoreError, match=r"gallery: missing, damaged or no gallery \("):
        Gallery.load(tmp_path / "gallery")


def test_missing_and_cut_files_are_refused(tmp_path):
    made()[0].save(tmp_path / "gallery")
    (tmp_path / "cut").write_bytes((tmp_path / "gallery").read_bytes()[:-40])
    for name in ("cut", "none"):
        with pytest.raises(StoreError, match=f"{name}: missing, damaged or no gallery"):
            Gallery.load(tmp_path / name)
