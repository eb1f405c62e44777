"""Images and captions to train a vision-language model on, and smaller draws of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ligature.data.mixture import Mixture
from ligature.data.pairing import Pairing
from ligature.errors import DataError, ParamsError
from ligature.store.hashing import hash_values


@dataclass(frozen=True, eq=False)
class CaptionData:
    """Images with one caption or more each.

    Attributes:
        paths: of the n images, as ``ligature.data.images.read_image`` takes them.
        image_ids: of the n images, named in errors.
        captions: the m captions; a pair is a caption with its image.
        image_of_text: [m], the row of each caption's image.
        content_hash: of images and captions, as their owner knows it.
        mixture: how often the images of several sources are drawn; None draws each once an epoch.

    Raises:
        DataError: if there are fewer than two images, an image has no caption, or a caption is empty; the message
            names the image.
    """

    paths: list[str]
    image_ids: list[str]
    captions: list[str]
    image_of_text: np.ndarray
    content_hash: str
    mixture: Mixture | None = None

    def __post_init__(self) -> None:
        """Checks numbers, pairing and captions."""
        images = len(self.paths)
        if len(self.image_ids) != images:
            raise DataError(f"{images} images have {len(self.image_ids)} ids")
        if images < 2:
            raise DataError(f"training on captions needs at least 2 images, not {images}")
        if len(self.image_of_text) != len(self.captions):
            raise DataError(f"{len(self.captions)} captions have {len(self.image_of_text)} entries in image_of_text")
        if self.mixture is not None and self.mixture.rows != images:
            raise DataError(f"the sources of the mixture have {self.mixture.rows} images, the data {images}")
        for caption, image in zip(self.captions, self._pairing.image_of_text, strict=True):
            if not caption.strip():
                raise DataError(f"a caption of image {self.image_ids[image]} is empty; write one or remove it")

    @cached_property
    def _pairing(self) -> Pairing:
        return Pairing(self.image_of_text, self.image_ids)

    @cached_property
    def hash(self) -> str:
        """Hash of what is trained on and how often it is drawn."""
        if self.mixture is None:
            return self.content_hash
        return hash_values([self.content_hash, self.mixture.sizes, self.mixture.weights])

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.paths)

    def sample_epoch(self, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the image rows [n] of an epoch in random order, and one random caption row [n] for each.

        The same ``seed`` and ``epoch`` give the same rows.
        """
        return self._pairing.sample_epoch(seed, epoch, self.mixture)

    def subset(self, pairs: int | None, seed: int) -> "CaptionData":
        """Returns a random draw of pairs, images and captions in their order here.

        A smaller draw with the same seed is part of a larger one, and no image gives a second caption before every
        image has given one.

        Args:
            pairs: how many; None for all.
            seed: of the draw.

        Raises:
            ParamsError: if there are fewer pairs, or the draw has fewer than two images.
        """
        if pairs is None:
            return self
        if not 2 <= pairs <= len(self.captions):
            raise ParamsError(f"{pairs} pairs are wanted: choose from 2 to the {len(self.captions)} that there are")
        texts = np.sort(self._drawing_order(seed)[:pairs])
        images, image_of_text = np.unique(np.asarray(self.image_of_text)[texts], return_inverse=True)
        return CaptionData(
            paths=[self.paths[row] for row in images],
            image_ids=[self.image_ids[row] for row in images],
            captions=[self.captions[row] for row in texts],
            image_of_text=image_of_text,
            content_hash=hash_values([self.content_hash, pairs, seed]),
            mixture=None if self.mixture is None else _mixture_of(self.mixture, images),
        )

    def _drawing_order(self, seed: int) -> np.ndarray:
        """Returns all caption rows [m]: the first of every image, then the second of those that have two, and so on."""
        generator = np.random.default_rng(seed)
        place_of_image = generator.permutation(len(self))
        shuffled = generator.permutation(len(self.captions))
        owner = np.asarray(self.image_of_text)[shuffled]
        by_image = np.argsort(owner, kind="stable")
        counts = np.bincount(owner, minlength=len(self))
        turn = np.empty(len(owner), np.int64)
        turn[by_image] = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        return shuffled[np.lexsort((place_of_image[owner], turn))]


def _mixture_of(mixture: Mixture, images: np.ndarray) -> Mixture:
    """Returns the mixture of some images; a source that has none of them is left out."""
    source = np.repeat(np.arange(len(mixture.sizes)), mixture.sizes)[images]
    sizes = np.bincount(source, minlength=len(mixture.sizes))
    kept = np.flatnonzero(sizes)
    return Mixture.given(sizes[kept], [mixture.weights[row] for row in kept])
