"""Tokens of unequal length: subsets, parts put together, eight bits, memory maps; against lists of arrays."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_pairs import CONFIG, TEXT_DIM, VISION_DIM

from ligature.errors import DataError
from ligature.projection import ImageFeatures, PairedFeatures, RaggedTokens, hash_pairs, select_images, select_pairs
from ligature.projection.features import concatenate, hash_features, take
from ligature.projection.ragged import concatenate_tokens
from ligature.store.quantised import dequantise, quantise
from ligature.store.rows import Rows

few = settings(max_examples=25, deadline=None)


def items_of(lengths, seed=0, width=3):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(length, width)).astype(np.float32) for length in lengths]


def ragged(items, skip=0, quantised=False) -> RaggedTokens:
    offsets, tokens = np.cumsum([0, *map(len, items)]), np.concatenate(items)
    codes, scales = quantise(tokens) if quantised else (tokens, None)
    half = len(tokens) // 2
    parts = [part for part in (codes[:half], codes[half:]) if len(part)]
    return RaggedTokens(Rows(parts), offsets, scales, skip)


def assert_items(features: RaggedTokens, items) -> None:
    """Checks every item alone and all of them padded."""
    padded, mask = features.pad(np.arange(len(items)))
    assert (len(features), mask.sum(axis=1).tolist()) == (len(items), [len(item) for item in items])
    for row, item in enumerate(items):
        np.testing.assert_array_equal(features.pad(np.array([row]))[0][0], item)
        np.testing.assert_array_equal(padded[row, : len(item)], item)
        assert not padded[row, len(item) :].any()
    np.testing.assert_allclose(features.means(), [item.mean(axis=0) for item in items], rtol=1e-4, atol=1e-6)


lengths = st.lists(st.integers(2, 5), min_size=1, max_size=6)


@given(lengths, lengths, st.integers(0, 1), st.booleans(), st.data())
@few
def test_subsets_and_parts_are_those_of_a_list_of_arrays(one, two, skip, quantised, data):
    parts, features = [items_of(one), items_of(two, 1)], []
    seen = [[dequantise(*quantise(item)) for item in part] for part in parts] if quantised else parts
    for items, part in zip(seen, parts, strict=True):
        chosen = data.draw(st.lists(st.integers(0, len(items) - 1), min_size=1, max_size=6))
        features.append(ragged(part, skip, quantised).take(np.array(chosen)))
        items[:] = [items[row][skip:] for row in chosen]
        assert_items(features[-1], items)
    assert_items(concatenate_tokens(features), seen[0] + seen[1])
    assert_items(concatenate([*features, features[0]]).take(np.arange(len(seen[0]))), seen[0])


def test_the_first_token_is_there_although_it_is_skipped():
    items = items_of([3, 2, 4])
    features = ragged(items, skip=1).take(np.array([2, 0]))
    assert np.array_equal(features.first(), [items[2][0], items[0][0]])
    assert features.lengths.tolist() == [3, 2]


def test_a_batch_reads_its_own_tokens_only(tmp_path):
    class Counting(np.ndarray):
        def __getitem__(self, key):
            read.append(len(np.atleast_1d(key)))
            return np.asarray(self)[key]

    read, items = [], items_of([3] * 50)
    np.save(tmp_path / "tokens.npy", np.concatenate(items))
    mapped = np.load(tmp_path / "tokens.npy", mmap_mode="r").view(Counting)
    features = concatenate_tokens([RaggedTokens(mapped, np.arange(0, 151, 3))] * 2)
    np.testing.assert_array_equal(features.pad(np.array([70, 3]))[0], [items[20], items[3]])
    assert sum(read) == 6


def test_what_does_not_fit_together_is_refused():
    plain = ragged(items_of([2, 3]))
    with pytest.raises(DataError, match="tokens of 3 and of 4 cannot stand in one set"):
        concatenate_tokens([plain, ragged(items_of([2], width=4))])
    with pytest.raises(DataError, match="tokens of float32 and of int8"):
        concatenate_tokens([plain, ragged(items_of([2]), quantised=True)])
    with pytest.raises(DataError, match="with and without a CLS token"):
        concatenate_tokens([plain, ragged(items_of([2]), skip=1)])
    with pytest.raises(DataError, match="int8 tokens come with scales"):
        RaggedTokens(np.zeros((2, 3), np.int8), np.array([0, 2]))
    with pytest.raises(DataError, match="item 1 has no tokens"):
        ragged(items_of([2, 1]), skip=1)


def test_images_and_pairs_can_be_subset_and_selected():
    patches, cls = ragged(items_of([3, 4, 5], width=VISION_DIM), skip=1), np.eye(3, VISION_DIM, dtype=np.float32)
    images = ImageFeatures(cls, patches)
    assert (images.width("cls"), images.width("local")) == (VISION_DIM, VISION_DIM)
    kept = images.take(np.array([2, 0]))
    device = torch.device("cpu")
    one, other = kept.collate(np.array([0]), device), images.collate(np.array([2]), device)
    assert all(torch.equal(one[key], other[key]) for key in ("cls", "local", "mask"))
    assert take(cls, np.array([1])).tolist() == [cls[1].tolist()]
    assert ImageFeatures(cls).width("local") is None
    assert images.select(["local"]).cls is None
    texts = np.zeros((3, TEXT_DIM), np.float32)
    assert select_pairs(CONFIG, PairedFeatures(images, texts, np.arange(3))).images.local is patches
    assert len(select_images(CONFIG, kept)) == 2


def test_the_hash_sees_scales_skips_and_choices_but_not_parts():
    items = items_of([2, 3, 2])
    plain = ragged(items)
    whole = RaggedTokens(np.concatenate(items), plain.offsets)
    assert hash_features([plain]) == hash_features([whole])
    others = [ragged(items, 1), ragged(items, quantised=True), plain.take(np.array([0, 2])), ragged(items[::-1])]
    codes = others[1]
    others.append(RaggedTokens(codes.tokens, codes.offsets, codes.scales * 2))
    assert len({hash_features([features]) for features in [plain, *others]}) == len(others) + 1
    pairs = [PairedFeatures(ImageFeatures(local=each), np.zeros((3, 2)), np.arange(3)) for each in (plain, others[0])]
    assert hash_pairs(pairs[0]) != hash_pairs(pairs[1])
