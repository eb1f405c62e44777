import numpy as np
import pytest
import torch
from evaluation_reference import plain_ranks
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.evaluation import ranking, retrieval_ranks, retrieval_recall


def noisy_pairs(seed, n_images=40, captions=5, width=48, noise=2.0):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n_images, width)).astype(np.float32)
    image_of_text = rng.permutation(np.repeat(np.arange(n_images), captions))
    texts = images[image_of_text] + noise * rng.normal(size=(len(image_of_text), width)).astype(np.float32)
    return images, texts, image_of_text


def assert_ranks(ranks, expected):
    assert ranks.i2t.tolist() == expected[0]
    assert ranks.t2i.tolist() == expected[1]


@st.composite
def tied_worlds(draw):
    """Few small integers as features, so that equal rows, equal scores and images without captions abound."""
    seed = draw(st.integers(0, 2**32 - 1))
    n_images, n_texts = draw(st.integers(1, 9)), draw(st.integers(1, 20))
    rng = np.random.default_rng(seed)
    images, texts = rng.integers(-1, 2, size=(n_images, 4)), rng.integers(-1, 2, size=(n_texts, 4))
    images[:, 0], texts[:, 0] = 1, 2
    return images.astype(np.float32), texts.astype(np.float32), rng.integers(0, n_images, size=n_texts)


@settings(max_examples=25, deadline=None)
@given(tied_worlds(), st.integers(1, 25))
def test_ranks_with_ties_agree_with_full_sorts_at_any_tile_size(world, chunk):
    assert_ranks(retrieval_ranks(*world, chunk=chunk), plain_ranks(*world))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.integers(15, 300))
def test_ranks_agree_with_full_sorts_at_any_tile_size(seed, chunk):
    world = noisy_pairs(seed)
    assert_ranks(retrieval_ranks(*world, chunk=chunk), plain_ranks(*world))


def test_ranks_agree_with_ordinary_cosines():
    images, texts, image_of_text = noisy_pairs(3, noise=3.0)
    scores = (images @ texts.T) / np.linalg.norm(images, axis=1)[:, None] / np.linalg.norm(texts, axis=1)
    ranks = retrieval_ranks(images, texts, image_of_text)
    for i, order in enumerate(np.argsort(-scores, axis=1)):
        assert ranks.i2t[i] == 1 + np.flatnonzero(image_of_text[order] == i)[0]
    for j, order in enumerate(np.argsort(-scores.T, axis=1)):
        assert ranks.t2i[j] == 1 + np.flatnonzero(order == image_of_text[j])[0]


@pytest.mark.parametrize("spread", [1e-7, 3e-6, 1e-4])
@pytest.mark.parametrize("chunk", [7, 64, 1024])
def test_scores_closer_than_float32_resolves_are_still_ranked_exactly(spread, chunk):
    rng = np.random.default_rng(0)
    centre = rng.normal(size=96)
    images, texts = (centre + spread * rng.normal(size=(n, 96)) for n in (50, 150))
    world = images, texts, rng.integers(0, 50, size=150)
    assert_ranks(retrieval_ranks(*world, chunk=chunk), plain_ranks(*world))


def test_the_few_unsure_scores_of_a_tile_are_decided_without_computing_it_again(monkeypatch):
    world = noisy_pairs(1, n_images=200, width=64, noise=4.0)
    expected = plain_ranks(*world)
    monkeypatch.delattr(ranking._Tile, "exact")
    assert_ranks(retrieval_ranks(*world), expected)


@pytest.mark.parametrize("chunk", [5, 13, 64, 1000])
def test_identical_images_tie_wherever_their_tiles_lie(chunk):
    images, texts, image_of_text = noisy_pairs(4, width=301, noise=0.1)
    ranks = retrieval_ranks(np.concatenate([images, images, 4 * images]), texts, image_of_text, chunk=chunk)
    assert (ranks.t2i == 3).all()


def test_a_collapsed_model_scores_at_the_bottom():
    image_of_text = np.repeat(np.arange(30), 5)
    collapsed = retrieval_recall(np.full((30, 77), 0.3), np.full((150, 77), 1.7), image_of_text)
    assert [collapsed[f"{d}_recall@{k}"] for d in ("i2t", "t2i") for k in (1, 5, 10)] == [0.0] * 6
    assert collapsed["i2t_median_rank"] == 146
    assert collapsed["t2i_median_rank"] == 30


def test_a_perfect_model_scores_one():
    images, texts, image_of_text = noisy_pairs(5, noise=0.0)
    perfect = retrieval_recall(images, texts, image_of_text, ks=(1,))
    assert perfect == dict.fromkeys(["i2t_recall@1", "i2t_median_rank", "t2i_recall@1", "t2i_median_rank"], 1.0)


def test_other_captions_of_the_image_are_no_negatives():
    images = np.eye(3)
    texts = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0.1], [0, 1, 0], [0, 0, 1]])
    assert retrieval_ranks(images, texts, [0, 0, 0, 1, 2]).i2t.tolist() == [1, 1, 1]


def test_images_without_captions_are_candidates_but_no_queries():
    ranks = retrieval_ranks(np.array([[1.0, 0.0], [1.0, 0.1]]), np.array([[1.0, 0.1]]), [0])
    assert ranks.i2t.tolist() == [1]
    assert ranks.t2i.tolist() == [2]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_order_and_length_of_the_rows_do_not_matter(seed):
    images, texts, image_of_text = noisy_pairs(seed, n_images=20)
    rng = np.random.default_rng(seed)
    image_order, text_order = rng.permutation(len(images)), rng.permutation(len(texts))
    lengths = 2.0 ** rng.integers(-6, 7, size=(len(images), 1))
    shuffled = retrieval_recall(
        (lengths * images)[image_order], texts[text_order], np.argsort(image_order)[image_of_text[text_order]]
    )
    assert shuffled == retrieval_recall(images, texts, image_of_text)


def test_tensors_of_any_dtype_and_read_only_arrays_are_taken():
    images, texts, image_of_text = noisy_pairs(6)
    images, texts = images.astype(np.float16), texts.astype(np.float16)
    expected = retrieval_recall(images, texts, image_of_text)
    images.setflags(write=False)
    tensors = torch.tensor(texts, requires_grad=True), torch.tensor(image_of_text)
    assert retrieval_recall(images, *tensors) == expected


def test_the_inputs_are_left_as_they_were():
    images, texts = torch.full((2, 3), 5.0, dtype=torch.float64), np.full((2, 3), 7.0)
    retrieval_recall(images, texts, [0, 1])
    assert (images == 5).all()
    assert (texts == 7).all()


def test_keys_and_types():
    metrics = retrieval_recall(*noisy_pairs(7), ks=(1, 3))
    keys = [f"{d}_{m}" for d in ("i2t", "t2i") for m in ("recall@1", "recall@3", "median_rank")]
    assert list(metrics) == keys
    assert all(type(value) is float for value in metrics.values())


def broken(images=None, texts=None, image_of_text=(0, 1), ks=(1,)):
    return (np.eye(2) if images is None else images), (np.eye(2) if texts is None else texts), image_of_text, ks


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (broken(image_of_text=[0]), "image_of_text: expected 2 indices"),
        (broken(image_of_text=[0, 2]), "entry 1 is 2, out of range 0..1"),
        (broken(image_of_text=[-1, 0]), "entry 0 is -1"),
        (broken(image_of_text=[0.0, 1.0]), "expected integers"),
        (broken(images=np.array([[1, 2], [np.nan, 1]])), "image_features: row 1 is not finite"),
        (broken(texts=np.array([[1, 2], [np.inf, 1]])), "text_features: row 1 is not finite"),
        (broken(texts=np.array([[0, 0], [1, 1]])), "text_features: row 0 is all zeros"),
        (broken(texts=np.eye(2, 3)), "image_features are 2 wide but text_features 3"),
        (broken(images=np.empty((0, 2))), r"expected a matrix of feature rows, got shape \(0, 2\)"),
        (broken(texts=np.ones(2)), r"got shape \(2,\)"),
        (broken(ks=(0,)), "k = 0"),
    ],
)
def test_errors_are_one_line_and_name_the_row(arguments, message):
    with pytest.raises(DataError, match=message) as error:
        retrieval_recall(*arguments)
    assert "\n" not in str(error.value)


def test_a_bad_row_is_named_beyond_the_first_block():
    features = np.ones((1000, 4))
    features[700, 2] = np.nan
    with pytest.raises(DataError, match="row 700"):
        retrieval_recall(np.ones((1, 4)), features, np.zeros(1000, dtype=int))
