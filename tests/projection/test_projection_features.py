"""Features as arrays: ragged tokens, pairing, selection, hashes, whole-array projection."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_pairs import CONFIG, EMBED_DIM, TEXT_DIM, VISION_DIM, planted_pairs

from ligature.data.mixture import Mixture
from ligature.errors import DataError, ParamsError
from ligature.projection import (
    ImageFeatures,
    PairedFeatures,
    Projector,
    RaggedTokens,
    hash_pairs,
    project_images,
    project_texts,
    select_images,
    select_pairs,
)


def ragged(lengths: list[int], width: int, dtype=np.float32, seed: int = 0) -> RaggedTokens:
    tokens = np.random.default_rng(seed).normal(size=(sum(lengths), width)).astype(dtype)
    return RaggedTokens(tokens, np.cumsum([0, *lengths]))


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=6), data=st.data())
def test_padding_is_the_plain_loop(lengths, data):
    features = ragged(lengths, 3)
    rows = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=8)))
    padded, mask = features.pad(rows)
    assert padded.shape[1] == max(lengths[row] for row in rows)
    for item, item_mask, row in zip(padded, mask, rows, strict=True):
        own = features.tokens[features.offsets[row] : features.offsets[row + 1]]
        assert np.array_equal(item[: len(own)], own)
        assert not item[len(own) :].any()
        assert item_mask.tolist() == [True] * len(own) + [False] * (len(item) - len(own))


@pytest.mark.parametrize(
    ("offsets", "words"),
    [([0, 2, 2, 4], "item 1 has no tokens"), ([0, 3, 2, 4], "item 1"), ([0, 3], "4 tokens"), ([1, 4], "4 tokens")],
)
def test_broken_offsets_are_refused(offsets, words):
    with pytest.raises(DataError, match=words):
        RaggedTokens(np.zeros((4, 2)), np.array(offsets))


def test_unsigned_offsets_work():
    features = RaggedTokens(np.arange(6.0).reshape(3, 2), np.array([0, 1, 3], dtype=np.uint64))
    assert features.pad(np.array([1]))[0].tolist() == [[[2, 3], [4, 5]]]


def test_ragged_tokens_equal_padded_tokens():
    torch.manual_seed(0)
    projector = Projector(CONFIG).eval()
    lengths = [3, 1, 6, 2]
    texts, patches = ragged(lengths, TEXT_DIM), ragged(lengths, VISION_DIM, seed=1)
    cls = np.random.default_rng(2).normal(size=(4, VISION_DIM)).astype(np.float32)
    one_by_one = project_texts(projector, texts, batch_size=1)
    np.testing.assert_allclose(project_texts(projector, texts), one_by_one, atol=1e-6)
    images = ImageFeatures(cls, patches)
    np.testing.assert_allclose(project_images(projector, images), project_images(projector, images, 1), atol=1e-6)
    same = ragged([4, 4, 4], TEXT_DIM)
    padded = projector.encode_text(torch.from_numpy(same.tokens.reshape(3, 4, TEXT_DIM)))
    np.testing.assert_allclose(project_texts(projector, same), padded.detach(), atol=1e-6)


def test_ragged_items_of_one_token_equal_pooled_vectors():
    projector = Projector(CONFIG).eval()
    texts = ragged([1, 1, 1], TEXT_DIM)
    np.testing.assert_allclose(project_texts(projector, texts), project_texts(projector, texts.tokens), atol=1e-6)


def test_projection_of_arrays_leaves_the_mode_and_needs_no_dropout():
    data, projector = planted_pairs(9), Projector(CONFIG).train()
    first, second = (project_images(projector, data.images, batch_size=size) for size in (4, 100))
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert (first.shape, first.dtype, projector.training) == ((9, EMBED_DIM), np.float32, True)


def test_memory_mapped_half_precision_is_widened_by_batch(tmp_path):
    data, projector = planted_pairs(8, dtype=np.float16), Projector(CONFIG).eval()
    np.save(tmp_path / "texts.npy", data.texts)
    mapped = np.load(tmp_path / "texts.npy", mmap_mode="r")
    expected = projector.encode_text(torch.from_numpy(data.texts.astype(np.float32))).detach()
    np.testing.assert_allclose(project_texts(projector, mapped), expected, atol=1e-6)


def test_epoch_takes_every_image_once_with_a_caption_of_its_own():
    data = planted_pairs(40, captions=3)
    for epoch in range(3):
        images, texts = data.sample_epoch(5, epoch)
        assert sorted(images) == list(range(40))
        assert np.array_equal(data.image_of_text[texts], images)


def test_epochs_follow_from_seed_and_epoch_and_reach_every_caption():
    data = planted_pairs(10, captions=3)
    drawn = [data.sample_epoch(0, epoch) for epoch in range(60)]
    assert set(np.concatenate([texts for _, texts in drawn])) == set(range(30))
    for other, equal in (((0, 7), True), ((0, 8), False), ((1, 7), False)):
        assert np.array_equal(drawn[7][0], data.sample_epoch(*other)[0]) is equal
        assert np.array_equal(drawn[7][1], data.sample_epoch(*other)[1]) is equal


def mixed(data: PairedFeatures, mixture: Mixture | None) -> PairedFeatures:
    return PairedFeatures(data.images, data.texts, data.image_of_text, data.content_hash, mixture)


@pytest.mark.parametrize("sizes", [[40], [10, 30]])
def test_proportional_mixture_changes_neither_images_nor_captions(sizes):
    data = planted_pairs(40, captions=3)
    drawn = mixed(data, Mixture.of(sizes, "proportional")).sample_epoch(5, 2)
    assert np.array_equal(drawn, data.sample_epoch(5, 2))


def test_mixture_decides_the_images_of_an_epoch_and_captions_stay_their_own():
    data, mixture = planted_pairs(40, captions=3), Mixture.of([4, 36], "equal")
    captions = set()
    for epoch in range(8):
        images, texts = mixed(data, mixture).sample_epoch(5, epoch)
        assert np.array_equal(images, mixture.epoch_rows(5, epoch))
        assert np.array_equal(data.image_of_text[texts], images)
        assert (images < 4).sum() == 20
        captions |= set(texts[images < 4])
    assert len(captions) == 4 * 3


def test_mixture_of_another_number_of_images_is_refused():
    with pytest.raises(DataError, match="the sources of the mixture have 41 images, the features 40"):
        mixed(planted_pairs(40), Mixture.of([5, 36], "equal"))


def test_hash_sees_the_mixture_and_selection_keeps_it():
    data = planted_pairs(6)
    mixtures = [None, Mixture.of([2, 4], "equal"), Mixture.of([2, 4], [1, 2]), Mixture.of([4, 2], "equal")]
    for known in (None, "known"):
        bases = PairedFeatures(data.images, data.texts, data.image_of_text, known)
        assert len({hash_pairs(mixed(bases, mixture)) for mixture in mixtures}) == len(mixtures)
        assert hash_pairs(mixed(bases, mixtures[1])) == hash_pairs(mixed(bases, Mixture.of([2, 4], "equal")))
    assert hash_pairs(mixed(data, mixtures[1])) == hash_pairs(mixed(data, mixtures[1]))
    assert select_pairs(CONFIG, mixed(data, mixtures[1])).mixture == mixtures[1]


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ([0, 1, 1], "image 2 has no caption"),
        ([0, 1], "3 captions have 2"),
        ([0, 1, 3], "rows of the 3"),
        ([-1, 1, 2], "rows of the 3"),
    ],
)
def test_broken_pairings_are_refused(owner, words):
    with pytest.raises(DataError, match=words):
        PairedFeatures(ImageFeatures(np.zeros((3, 2))), np.zeros((3, 2)), np.array(owner))


def test_too_few_or_unequal_images_are_refused():
    with pytest.raises(DataError, match="at least 2 images"):
        PairedFeatures(ImageFeatures(np.zeros((1, 2))), np.zeros((1, 2)), np.array([0]))
    with pytest.raises(DataError, match="3 CLS tokens"):
        ImageFeatures(np.zeros((3, 2)), np.zeros((2, 2)))
    with pytest.raises(DataError, match="CLS tokens, patch tokens or both"):
        ImageFeatures()


def test_selection_keeps_what_the_config_uses_and_names_what_is_missing():
    data = planted_pairs(6)
    only_cls = dataclasses.replace(CONFIG, vision_local="none")
    assert select_images(only_cls, data.images).local is None
    assert select_pairs(CONFIG, data).images.local is data.images.local
    with pytest.raises(DataError, match="set vision_local to none"):
        select_images(CONFIG, ImageFeatures(cls=data.images.cls))
    with pytest.raises(ParamsError, match="vision_dim is 13, but the features are 12 wide"):
        select_pairs(dataclasses.replace(CONFIG, vision_dim=13), data)
    with pytest.raises(ParamsError, match="text_dim is 11, but the features are 10 wide"):
        project_texts(Projector(dataclasses.replace(CONFIG, text_dim=11)), data.texts)
    with pytest.raises(DataError, match="RaggedTokens"):
        select_images(only_cls, ImageFeatures(cls=np.zeros((2, 3, VISION_DIM))))


def test_hash_sees_contents_pairing_and_type_but_not_storage(tmp_path):
    data = planted_pairs(6)
    np.save(tmp_path / "texts.npy", data.texts)
    mapped = np.load(tmp_path / "texts.npy", mmap_mode="r")
    swapped = data.image_of_text[::-1].copy()
    touched = data.texts.copy()
    touched[3, 2] += 1
    assert hash_pairs(PairedFeatures(data.images, mapped, data.image_of_text)) == hash_pairs(data)
    others = [
        PairedFeatures(data.images, data.texts, swapped),
        PairedFeatures(data.images, touched, data.image_of_text),
        PairedFeatures(data.images, data.texts.view(np.int32), data.image_of_text),
        PairedFeatures(ImageFeatures(cls=data.images.cls), data.texts, data.image_of_text),
        PairedFeatures(ImageFeatures(local=data.images.cls), data.texts, data.image_of_text),
        PairedFeatures(data.images, RaggedTokens(data.texts, np.arange(13)), data.image_of_text),
    ]
    assert len({hash_pairs(other) for other in [data, *others]}) == len(others) + 1
    assert hash_pairs(PairedFeatures(data.images, data.texts, data.image_of_text, "known")) == "known"
