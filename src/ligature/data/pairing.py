"""Pairings: which captions belong to which image, and the pairs that an epoch and a step draw."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ligature.data.mixture import Mixture
from ligature.errors import DataError

SampleEpoch = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""Gives the image rows [n] and the text rows [n] of an epoch, from 0."""


class Pairing:
    """Captions sorted by their image; every image has one or more.

    Attributes:
        image_of_text: [m] int64, the row of each caption's image.
    """

    def __init__(self, image_of_text: np.ndarray, ids: Sequence[str] | range) -> None:
        """Checks the pairing and sorts the captions by image.

        Args:
            image_of_text: [m], the row of each caption's image.
            ids: what to call each of the n images in an error.

        Raises:
            DataError: if there are fewer than two images, a caption has no image, or an image has no caption.
        """
        self.image_of_text = np.asarray(image_of_text, dtype=np.int64)
        images = len(ids)
        if images < 2:
            raise DataError(f"contrastive training needs at least 2 images, not {images}")
        if not len(self.image_of_text) or self.image_of_text.min() < 0 or self.image_of_text.max() >= images:
            raise DataError(f"image_of_text must hold rows of the {images} images")
        self._by_image = np.argsort(self.image_of_text, kind="stable")
        self._captions = np.bincount(self.image_of_text, minlength=images)
        self._first = np.cumsum(self._captions) - self._captions
        if not self._captions.all():
            raise DataError(f"image {ids[np.argmin(self._captions)]} has no caption; add one or remove the image")

    def sample_epoch(self, seed: int, epoch: int, mixture: Mixture | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Returns the image rows [n] of an epoch in random order, and one random caption row [n] for each.

        The same ``seed`` and ``epoch`` give the same rows.

        Args:
            seed: of order and captions.
            epoch: from 0.
            mixture: how often the images of several sources are drawn; None draws each once.
        """
        generator = np.random.default_rng([seed, epoch])
        image_rows = generator.permutation(len(self._captions))
        if mixture is not None:
            image_rows = mixture.draws(seed, epoch)[image_rows]
        choice = generator.integers(self._captions[image_rows])
        return image_rows, self._by_image[self._first[image_rows] + choice]


def rows_of_steps(
    sample_epoch: SampleEpoch, first_step: int, *, size: int, steps_per_epoch: int, total_steps: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yields the epoch, the image rows [B] and the text rows [B] of each step, from ``first_step`` to the last.

    Args:
        sample_epoch: gives the rows of an epoch.
        first_step: the step to begin with, from 0; what comes is what would have come without a break.
        size: pairs of a batch; what is left of an epoch after its last whole batch is not used.
        steps_per_epoch: batches of an epoch.
        total_steps: of the whole training, which may end inside an epoch.
    """
    for epoch in range(first_step // steps_per_epoch, math.ceil(total_steps / steps_per_epoch)):
        image_rows, text_rows = sample_epoch(epoch)
        first, last = (max(first_step, epoch * steps_per_epoch), min((epoch + 1) * steps_per_epoch, total_steps))
        for step in range(first, last):
            start = step % steps_per_epoch * size
            yield epoch, image_rows[start : start + size], text_rows[start : start + size]
