import numpy as np
import pytest
from local_cka_reference import gram_plain, lower_median, squared_distances_plain

from ligature.errors import DataError
from ligature.matching import kernels
from ligature.matching.kernels import CallableKernel, LinearKernel, RbfKernel, row_blocks, squared_distances
from ligature.matching.local_cka import LocalCKA


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_blocks_cover_all_rows_in_order():
    blocks = list(row_blocks(1000, kernels.BLOCK // 300))
    assert np.concatenate([np.arange(1000)[block] for block in blocks]).tolist() == list(range(1000))
    assert max(block.stop - block.start for block in blocks) <= 300
    assert len(list(row_blocks(5, 10 * kernels.BLOCK))) == 5


def test_distances_are_those_of_differences(rng):
    left, right = rng.normal(size=(30, 9)) + 50, rng.normal(size=(20, 9)) + 50
    plain = ((left[:, None] - right) ** 2).sum(axis=-1)
    np.testing.assert_allclose(squared_distances(left, right), plain, rtol=1e-12)


@pytest.mark.parametrize("step", [1e-3, 1e-7, 1e-12])
def test_near_rows_keep_their_digits_and_only_equal_ones_are_at_zero(rng, step):
    right = rng.normal(size=(20, 300)) * 100
    left = right.copy()
    left[3] += step * rng.normal(size=300)
    found = squared_distances(left, right).diagonal()
    assert np.flatnonzero(found).tolist() == [3]
    assert found[3] == pytest.approx(((left[3] - right[3]) ** 2).sum(), rel=1e-12)


def test_near_rows_are_compared_block_by_block(rng, monkeypatch):
    rows = 1e6 * np.ones((40, 8)) + rng.normal(size=(40, 8))
    rows[0] -= 1e6
    whole = squared_distances(rows, rows)
    monkeypatch.setattr(kernels, "BLOCK", 100)
    np.testing.assert_array_equal(squared_distances(rows, rows), whole)
    np.testing.assert_allclose(whole, squared_distances_plain(rows), rtol=1e-10)


def test_distances_that_overflow_are_not_finite_and_refused(rng):
    rows = rng.normal(size=(5, 3))
    rows[4] = 1e160
    distances = squared_distances(rows, rows[:4])
    assert np.isnan(distances[4]).all()
    assert np.isfinite(distances[:4]).all()
    with pytest.raises(DataError, match="base_x: two anchors are too far apart"):
        LocalCKA().fit(rows, rows)


def test_the_linear_kernel_is_the_product_around_the_mean_of_the_anchors(rng):
    base, items = rng.normal(size=(7, 4)) + 5, rng.normal(size=(3, 4))
    kernel, mean = LinearKernel(base), base.mean(axis=0)
    np.testing.assert_allclose(kernel.rows(items), (items - mean) @ (base - mean).T, atol=1e-12)
    np.testing.assert_allclose(kernel.own(items), ((items - mean) ** 2).sum(axis=1), atol=1e-12)


def test_the_rbf_kernel_of_the_bases_own_median_is_the_plain_gram(rng):
    base = rng.normal(size=(7, 4))
    median = lower_median(squared_distances_plain(base))
    plain = gram_plain(np.concatenate([base[:1], base]), "rbf", "fixed")[1:, 1:]
    kernel = RbfKernel(base, median)
    np.testing.assert_allclose(kernel.rows(base), plain, atol=1e-14)
    np.testing.assert_array_equal(kernel.own(base), np.ones(7))


def test_a_callable_meets_blocks_of_items_and_gives_its_diagonal(rng):
    base, items, shapes = rng.normal(size=(7, 4)), rng.normal(size=(150, 4)), []

    def cubic(a, b):
        shapes.append((len(a), len(b)))
        return (1 + a @ b.T) ** 3

    kernel = CallableKernel(base, cubic, "x")
    np.testing.assert_allclose(kernel.own(items), (1 + (items**2).sum(axis=1)) ** 3)
    assert shapes == [(64, 64), (64, 64), (22, 22)]
    assert kernel.rows(items).shape == (150, 7)


def test_a_callable_of_the_wrong_shape_is_refused(rng):
    base = rng.normal(size=(7, 4))
    with pytest.raises(DataError, match=r"x: the kernel returned shape \(7,\) for 7 x 7 items"):
        LocalCKA(lambda a, b: a @ b[0]).fit(base, base)


def test_a_callable_that_is_not_finite_is_refused_with_its_row(rng):
    base, items = rng.normal(size=(7, 4)), rng.normal(size=(5, 4))

    def unstable(a, b):
        values = a @ b.T
        values[a[:, 0] > 50] = np.nan
        return values

    fitted = LocalCKA(unstable).fit(base, base)
    items[3, 0] = 100
    with pytest.raises(DataError, match="y: the kernel of row 3 is not finite"):
        fitted.transform_y(items)
    base[2, 0] = 100
    with pytest.raises(DataError, match="base_x: the kernel is not finite"):
        LocalCKA(unstable).fit(base, base)


@pytest.mark.parametrize("level", [0.0, 0.1, 3.0])
def test_a_callable_that_tells_no_anchors_apart_is_refused(rng, level):
    base = rng.normal(size=(7, 4))
    with pytest.raises(DataError, match="base_x: the kernel is not finite or tells no anchors apart"):
        LocalCKA(lambda a, b: np.full((len(a), len(b)), level)).fit(base, base)
