"""Pairs to train both encoders on: draws, checks that name the image, semantic vectors, captions that are cut."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pair_files import make_pairs, make_tokenizer

from ligature.data.mixture import Mixture
from ligature.errors import DataError
from ligature.pretraining import pairs as pairs_module
from ligature.pretraining.pairs import ImageTextPairs, count_cut
from ligature.projection import ImageFeatures, PairedFeatures
from ligature.store.rows import Rows

PATHS = [f"{row}.png" for row in range(6)]


def vectors(count: int, width: int = 5, dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, width)).astype(dtype)


@pytest.mark.parametrize("mixture", [None, Mixture.of([2, 4], "equal")])
def test_an_epoch_draws_what_a_projector_would_be_given(mixture):
    pairs = make_pairs(PATHS, captions=3, mixture=mixture)
    frozen = PairedFeatures(ImageFeatures(np.zeros((6, 2))), np.zeros((18, 2)), pairs.image_of_text, "known", mixture)
    for epoch in range(3):
        images, texts = pairs.sample_epoch(4, epoch)
        assert np.array_equal((images, texts), frozen.sample_epoch(4, epoch))
        assert np.array_equal(pairs.image_of_text[texts], images)


def test_every_image_comes_once_an_epoch_and_every_caption_at_last():
    pairs = make_pairs(PATHS, captions=3)
    drawn = [pairs.sample_epoch(0, epoch) for epoch in range(40)]
    assert all(sorted(images) == list(range(6)) for images, _ in drawn)
    assert set(np.concatenate([texts for _, texts in drawn])) == set(range(18))
    assert len(pairs) == 6


def test_a_source_of_larger_weight_is_drawn_more_often():
    pairs = make_pairs(PATHS, mixture=Mixture.of([1, 5], [1, 1]))
    assert (pairs.sample_epoch(0, 0)[0] == 0).sum() == 3


@pytest.mark.parametrize("empty", ["", " ", "\t\n", "\u3000"])
def test_an_empty_caption_names_its_image_and_the_remedy(empty):
    pairs = make_pairs(PATHS)
    captions = [*pairs.captions[:7], empty, *pairs.captions[8:]]
    with pytest.raises(DataError, match=r"^a caption of image id-3 is empty; write one or remove it$"):
        dataclasses.replace(pairs, captions=captions)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("in_parts", [False, True])
def test_a_missing_semantic_vector_names_its_image(value, in_parts, monkeypatch):
    monkeypatch.setattr(pairs_module, "_BLOCK_ROWS", 5)
    semantics = vectors(12)
    semantics[8] = value
    stored = Rows([semantics[:3], semantics[3:]]) if in_parts else semantics
    with pytest.raises(DataError, match=r"a caption of image id-4 has no semantic vector \(it is zero or not finite\)"):
        make_pairs(PATHS, semantics=stored)


def test_a_vector_with_one_value_that_is_no_number_is_missing_too():
    semantics = vectors(12)
    semantics[11, 4] = np.nan
    with pytest.raises(DataError, match="image id-5 has no semantic vector"):
        make_pairs(PATHS, semantics=semantics)


def test_too_few_semantic_vectors_name_the_first_image_without_one():
    with pytest.raises(DataError, match=r"image id-4 has no semantic vector \(there are 9 for 12 captions\); embed"):
        make_pairs(PATHS, semantics=vectors(9))
    with pytest.raises(DataError, match="13 semantic vectors do not belong to 12 captions; embed them again"):
        make_pairs(PATHS, semantics=vectors(13))
    with pytest.raises(DataError, match=r"shape \[12, 2, 2\]"):
        make_pairs(PATHS, semantics=np.ones((12, 2, 2)))


def test_numbers_that_do_not_agree_are_refused():
    pairs = make_pairs(PATHS)
    wrong = {
        "image_ids": (["id-0"], "6 images have 1 ids"),
        "captions": (pairs.captions[:-1], "11 captions have 12 entries in image_of_text"),
        "mixture": (Mixture.of([3, 4], "equal"), "the sources of the mixture have 7 images, the pairs 6"),
        "image_of_text": (np.zeros(12, int), "image id-1 has no caption; add one or remove the image"),
    }
    for field, (value, words) in wrong.items():
        with pytest.raises(DataError, match=words):
            dataclasses.replace(pairs, **{field: value})
    with pytest.raises(DataError, match="rows of the 6 images"):
        dataclasses.replace(pairs, image_of_text=np.arange(12))


@pytest.mark.parametrize("count", [0, 1])
def test_a_contrast_needs_two_images(count):
    with pytest.raises(DataError, match=f"at least 2 images, not {count}"):
        make_pairs(PATHS[:count])


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.integers(0, 11), min_size=1, max_size=9), half=st.booleans(), in_parts=st.booleans())
def test_semantic_vectors_come_in_the_order_of_rows_and_have_length_one(rows, half, in_parts):
    semantics = vectors(12, dtype=np.float16 if half else np.float32) * 7
    pairs = make_pairs(PATHS, semantics=Rows([semantics[:5], semantics[5:]]) if in_parts else semantics)
    found = pairs.unit_semantics(np.array(rows))
    expected = [semantics[row].astype(np.float64) / np.linalg.norm(semantics[row].astype(np.float64)) for row in rows]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_semantic_vectors_are_read_from_disk_by_their_rows(tmp_path):
    np.save(tmp_path / "vectors.npy", vectors(12))
    pairs = make_pairs(PATHS, semantics=np.load(tmp_path / "vectors.npy", mmap_mode="r"))
    assert isinstance(pairs.semantics, np.memmap)
    np.testing.assert_allclose(np.linalg.norm(pairs.unit_semantics(np.array([3, 3, 0])), axis=1), 1, atol=1e-6)


def test_pairs_need_no_semantic_vectors():
    assert make_pairs(PATHS).unit_semantics(np.array([0])) is None


@pytest.mark.parametrize("block", [1, 5, 1 << 14])
def test_captions_longer_than_the_context_are_counted_once(block, monkeypatch):
    monkeypatch.setattr(pairs_module, "_BLOCK_ROWS", block)
    pairs = make_pairs(PATHS)
    tokenizer = make_tokenizer(pairs)
    lengths = [tokenizer.lengths([caption])[0] for caption in pairs.captions]
    context = sorted(lengths)[7]
    short = make_tokenizer(pairs, context)
    assert count_cut(pairs, short) == (sum(length > context for length in lengths), max(lengths))
    assert 0 < count_cut(pairs, short)[0] < 12
    assert count_cut(pairs, make_tokenizer(pairs, max(lengths))) == (0, max(lengths))


def test_pairs_are_frozen():
    assert dataclasses.is_dataclass(ImageTextPairs)
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_pairs(PATHS).captions = []
