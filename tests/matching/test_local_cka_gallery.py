import tracemalloc

import numpy as np
import pytest

from ligature.errors import DataError
from ligature.matching import kernels
from ligature.matching.local_cka import LocalCKA, centre_gallery

BASE, QUERIES = 320, 500


def world(items, queries, widths=(48, 64), seed=0):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(BASE + items, 24))
    x, y = (latent @ rng.normal(size=(24, d)) + 4 * rng.normal(size=(BASE + items, d)) for d in widths)
    return x[:BASE], y[:BASE], x[BASE : BASE + queries], y[BASE:]


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_float32_decides_as_float64_once_the_gallery_is_centred(kernel):
    base_x, base_y, x, y = world(2000, QUERIES)
    fitted = LocalCKA(kernel).fit(base_x, base_y)
    queries, gallery = fitted.transform_x(x), fitted.transform_y(y)
    exact = queries @ gallery.T
    centred, mean = centre_gallery(gallery)
    float32 = queries.astype(np.float32) @ centred.astype(np.float32).T
    assert (float32.argmax(axis=1) == exact.argmax(axis=1)).all()
    plain = queries.astype(np.float32) @ gallery.astype(np.float32).T
    restored = float32 + (queries @ mean)[:, None]
    assert np.abs(restored - exact).max() < 0.1 * np.abs(plain - exact).max()


def test_centring_moves_every_score_of_a_query_by_the_same_constant():
    base_x, base_y, x, y = world(40, 5)
    fitted = LocalCKA().fit(base_x, base_y)
    queries, gallery = fitted.transform_x(x), fitted.transform_y(y)
    centred, mean = centre_gallery(gallery)
    np.testing.assert_allclose(centred.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(queries @ centred.T + (queries @ mean)[:, None], queries @ gallery.T, rtol=0, atol=1e-14)


def test_a_gallery_that_is_not_finite_is_refused():
    with pytest.raises(DataError, match="gallery: row 1 "):
        centre_gallery([[1.0, 2.0], [np.nan, 0.0]])


@pytest.mark.parametrize("mode", [{}, {"bandwidth": "fixed"}, {"kernel": "linear"}, {"kernel": lambda a, b: a @ b.T}])
def test_the_size_of_blocks_changes_nothing_but_rounding(mode, monkeypatch):
    base_x, base_y, x, y = world(60, 60)
    whole = LocalCKA(**mode).fit(base_x, base_y).score(x, y)
    monkeypatch.setattr(kernels, "BLOCK", 7 * BASE)
    np.testing.assert_allclose(LocalCKA(**mode).fit(base_x, base_y).score(x, y), whole, rtol=0, atol=1e-12)


def test_the_explicit_triangle_is_built_in_blocks_too(monkeypatch):
    rng = np.random.default_rng(0)
    base_x, base_y, x, y = (rng.normal(size=(rows, 4)) for rows in (3, 3, 50, 50))
    whole = LocalCKA().fit(base_x, base_y)
    assert whole.grams_ is None
    scores = whole.score(x, y)
    monkeypatch.setattr(kernels, "BLOCK", 20)
    np.testing.assert_allclose(whole.score(x, y), scores, rtol=0, atol=1e-14)


def test_memory_beyond_the_result_does_not_grow_with_the_gallery():
    base_x, base_y, _, y = world(16_000, 1)
    fitted = LocalCKA().fit(base_x, base_y)

    def beyond(items):
        tracemalloc.start()
        result = fitted.transform_y(items)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - 1.125 * result.nbytes

    small, large = beyond(y[:4000]), beyond(y)
    assert large < small + 2**20
    assert large < 32 * 2**20
