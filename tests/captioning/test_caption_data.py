"""Captioned data: checks, epochs, and draws of some pairs that are part of one another."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.captioning import CaptionData
from ligature.data.mixture import Mixture
from ligature.errors import DataError, ParamsError


def make_data(counts: list[int], mixture: Mixture | None = None) -> CaptionData:
    """Images with so many captions each; the captions of an image do not stand together."""
    owner = np.repeat(np.arange(len(counts)), counts)
    owner = owner[np.random.default_rng(len(owner)).permutation(len(owner))]
    texts = [f"caption {row} of image {image}" for row, image in enumerate(owner)]
    names = [f"image-{row}" for row in range(len(counts))]
    return CaptionData([f"{name}.png" for name in names], names, texts, owner, "known", mixture)


def pairs_of(data: CaptionData) -> set[tuple[str, str]]:
    return {(data.image_ids[image], text) for text, image in zip(data.captions, data.image_of_text, strict=True)}


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(1, 5), min_size=2, max_size=12),
    seed=st.integers(0, 5),
    sizes=st.tuples(st.integers(2, 60), st.integers(2, 60)),
)
def test_a_smaller_draw_is_part_of_a_larger_one_and_images_come_before_second_captions(counts, seed, sizes):
    data = make_data(counts)
    small, large = sorted(min(size, len(data.captions)) for size in sizes)
    draws = [data.subset(size, seed) for size in (small, large)]
    assert [len(draw.captions) for draw in draws] == [small, large]
    assert pairs_of(draws[0]) <= pairs_of(draws[1]) <= pairs_of(data)
    for draw in draws:
        taken = Counter(draw.image_ids[image] for image in draw.image_of_text)
        assert set(taken) == set(draw.image_ids)
        most = max(taken.values())
        for name, count in zip(data.image_ids, counts, strict=True):
            assert taken[name] >= min(count, most - 1)
        assert [path.removesuffix(".png") for path in draw.paths] == draw.image_ids
        assert draw.captions == [text for text in data.captions if text in set(draw.captions)]


def test_draws_follow_from_the_seed_and_say_so_in_their_hash():
    data = make_data([2] * 30)
    assert data.subset(None, 3) is data
    draw, again, other = data.subset(20, 0), data.subset(20, 0), data.subset(20, 1)
    assert pairs_of(draw) == pairs_of(again) != pairs_of(other)
    assert draw.hash == again.hash
    assert len({data.hash, draw.hash, other.hash, data.subset(21, 0).hash}) == 4
    assert len(draw) == len(draw.captions) == 20


def test_a_draw_is_random_over_images_and_captions():
    data = make_data([3] * 40)
    seen = Counter(pair for seed in range(60) for pair in pairs_of(data.subset(20, seed)))
    assert len(seen) == 120
    assert max(seen.values()) < 30


@pytest.mark.parametrize("wanted", [0, 1, 61])
def test_a_draw_that_cannot_be_names_both_numbers(wanted):
    with pytest.raises(ParamsError, match=rf"^{wanted} pairs are wanted: choose from 2 to the 60 that there are$"):
        make_data([2] * 30).subset(wanted, 0)


def test_a_draw_of_a_mixture_keeps_weights_and_leaves_out_sources_without_an_image():
    data = make_data([1] * 12, Mixture.given([6, 6], [2.0, 1.0]))
    draw = data.subset(8, 0)
    rows = [data.image_ids.index(name) for name in draw.image_ids]
    assert draw.mixture.sizes == (sum(row < 6 for row in rows), sum(row >= 6 for row in rows))
    assert draw.mixture.weights == (2.0, 1.0)
    uneven = make_data([1] * 12, Mixture.given([11, 1], [5.0, 5.0]))
    mixtures = {(draw.mixture.sizes, draw.mixture.weights) for draw in (uneven.subset(2, seed) for seed in range(9))}
    assert mixtures == {((2,), (5.0,)), ((1, 1), (5.0, 5.0))}


def test_an_epoch_has_every_image_once_with_a_caption_of_its_own():
    data = make_data([1, 3, 2, 4])
    for epoch in range(3):
        images, texts = data.sample_epoch(5, epoch)
        assert sorted(images) == [0, 1, 2, 3]
        assert (data.image_of_text[texts] == images).all()
    weighted = make_data([1] * 8, Mixture.given([4, 4], [3.0, 1.0]))
    assert (weighted.sample_epoch(0, 0)[0] < 4).sum() == 6
    assert weighted.hash != make_data([1] * 8).hash == "known"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"captions": ["a", " ", "c"]}, "a caption of image image-1 is empty"),
        ({"image_ids": ["one"]}, "3 images have 1 ids"),
        ({"captions": ["a"]}, "1 captions have 3 entries in image_of_text"),
        ({"image_of_text": np.array([0, 0, 1])}, "image image-2 has no caption"),
        ({"image_of_text": np.array([0, 1, 3])}, "rows of the 3 images"),
        ({"mixture": Mixture.equal([2, 2])}, "the sources of the mixture have 4 images, the data 3"),
    ],
)
def test_data_that_do_not_fit_are_refused_in_one_line(changes, words):
    data = dataclasses.replace(make_data([1, 1, 1]), image_of_text=np.arange(3))
    with pytest.raises(DataError, match=words) as raised:
        dataclasses.replace(data, **changes)
    assert "\n" not in str(raised.value)


def test_one_image_is_not_enough():
    with pytest.raises(DataError, match="needs at least 2 images, not 1"):
        make_data([3])
