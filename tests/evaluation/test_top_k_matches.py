import numpy as np
import pytest
from evaluation_reference import integer_scores
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.evaluation import top_k_matches
from ligature.evaluation.cosine import GRID, unit_rows


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30), st.data())
def test_matches_agree_with_a_stable_full_sort_at_any_tile_size(seed, n, chunk, data):
    k = data.draw(st.integers(1, n))
    rng = np.random.default_rng(seed)
    queries, candidates = rng.integers(-1, 2, size=(7, 4)), rng.integers(-1, 2, size=(n, 4))
    queries[:, 3] = candidates[:, 3] = 1
    scores, indices = top_k_matches(queries, candidates, k, chunk=chunk)
    every = integer_scores(queries, candidates)
    order = np.argsort(-every, axis=1, kind="stable")[:, :k]
    assert indices.tolist() == order.tolist()
    assert (scores.numpy() / GRID**2 == np.take_along_axis(every, order, axis=1)).all()


def test_scores_are_cosines():
    scores, indices = top_k_matches(np.array([[3.0, 4.0]]), np.array([[0.0, 2.0], [10.0, 0.0]]), 2)
    assert indices.tolist() == [[0, 1]]
    np.testing.assert_allclose(scores.numpy(), [[0.8, 0.6]], atol=1e-7)


def test_equal_candidates_come_in_order():
    _, indices = top_k_matches(np.ones((1, 50)), np.ones((9, 50)), 4, chunk=2)
    assert indices.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("k", [0, 4])
def test_k_beyond_the_candidates_is_an_error(k):
    with pytest.raises(DataError, match=f"k = {k} .* 3 candidates"):
        top_k_matches(np.eye(3), np.eye(3), k)


def test_unit_rows_are_on_the_grid_and_close_to_ordinary_normalisation():
    features = np.random.default_rng(0).normal(size=(500, 33)) * 1e3
    rows = unit_rows(features, "features").double().numpy()
    assert (np.rint(rows / GRID) * GRID == rows).all()
    plain = features / np.linalg.norm(features, axis=1, keepdims=True)
    np.testing.assert_allclose(rows, plain, rtol=0, atol=0.51 * GRID)


def test_the_widest_products_are_exact_in_any_order():
    width = 4096
    rows = unit_rows(np.random.default_rng(1).normal(size=(2, width)), "features").double().numpy()
    products = rows[0] * rows[1]
    whole = sum(int(product / GRID**2) for product in products)
    orders = [np.random.default_rng(seed).permutation(width) for seed in range(5)]
    assert {int(np.cumsum(products[order])[-1] / GRID**2) for order in orders} == {whole}
