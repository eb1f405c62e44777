"""Pairings: what an epoch draws against a plain loop, which rows a step has, and broken pairings."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data.mixture import Mixture
from ligature.data.pairing import Pairing, rows_of_steps
from ligature.errors import DataError


def plain_epoch(owner: list[int], images: int, seed: int, epoch: int, mixture: Mixture | None) -> tuple[list, list]:
    """Returns image and text rows, drawn one image after the other."""
    generator = np.random.default_rng([seed, epoch])
    image_rows = generator.permutation(images).tolist()
    if mixture is not None:
        image_rows = [mixture.draws(seed, epoch)[row] for row in image_rows]
    captions = [[text for text, own in enumerate(owner) if own == row] for row in image_rows]
    choices = generator.integers([len(own) for own in captions])
    return image_rows, [own[choice] for own, choice in zip(captions, choices, strict=True)]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), images=st.integers(2, 9), seed=st.integers(0, 5), epoch=st.integers(0, 5), mixed=st.booleans())
def test_an_epoch_is_the_plain_loop(data, images, seed, epoch, mixed):
    more = data.draw(st.lists(st.integers(0, images - 1), max_size=9))
    owner = data.draw(st.permutations([*range(images), *more]))
    mixture = Mixture.of([1, images - 1], "equal") if mixed else None
    found = Pairing(np.array(owner), range(images)).sample_epoch(seed, epoch, mixture)
    expected = plain_epoch(owner, images, seed, epoch, mixture)
    assert [rows.tolist() for rows in found] == [list(map(int, rows)) for rows in expected]


def test_the_rows_of_an_epoch_stay_what_they_were():
    images, texts = Pairing(np.array([2, 0, 1, 1, 0, 2]), range(3)).sample_epoch(7, 1)
    assert (images.tolist(), texts.tolist()) == ([0, 2, 1], [4, 0, 2])


@settings(max_examples=25, deadline=None)
@given(data=st.data(), images=st.integers(2, 12), epochs=st.integers(1, 3))
def test_steps_are_the_whole_batches_of_every_epoch_from_any_step_on(data, images, epochs):
    size = data.draw(st.integers(1, images))
    per_epoch = images // size
    total = data.draw(st.integers(1, epochs * per_epoch))
    sample = partial(Pairing(np.arange(images), range(images)).sample_epoch, 3)
    plain = [
        (epoch, *(rows[at * size : at * size + size].tolist() for rows in sample(epoch)))
        for epoch in range(epochs)
        for at in range(per_epoch)
    ][:total]
    first = data.draw(st.integers(0, total))
    found = rows_of_steps(sample, first, size=size, steps_per_epoch=per_epoch, total_steps=total)
    assert [(epoch, images.tolist(), texts.tolist()) for epoch, images, texts in found] == plain[first:]


def test_epochs_before_the_first_step_are_not_drawn():
    drawn = []

    def sample(epoch: int) -> tuple[np.ndarray, np.ndarray]:
        drawn.append(epoch)
        return np.arange(4), np.arange(4)

    steps = list(rows_of_steps(sample, 5, size=2, steps_per_epoch=2, total_steps=8))
    assert drawn == [2, 3]
    assert [epoch for epoch, *_ in steps] == [2, 3, 3]


@pytest.mark.parametrize(
    ("owner", "ids", "words"),
    [
        ([0, 1, 1], ["a", "b", "c"], "image c has no caption; add one or remove the image"),
        ([0, 1, 3], range(3), "rows of the 3 images"),
        ([-1, 1, 2], range(3), "rows of the 3 images"),
        ([], range(3), "rows of the 3 images"),
        ([0], range(1), "at least 2 images, not 1"),
        ([], [], "at least 2 images, not 0"),
    ],
)
def test_a_broken_pairing_is_refused(owner, ids, words):
    with pytest.raises(DataError, match=words):
        Pairing(np.array(owner), ids)
