"""Which pairs stand in a step, with their pixels, tokens and semantic vectors in micro-batches."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ligature.data.pairing import rows_of_steps
from ligature.encoders.contrastive.images import to_pixels
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer
from ligature.pretraining.augmentation import crop_generator, random_resized_crop
from ligature.pretraining.decoding import DecodedImages
from ligature.pretraining.pairs import ImageTextPairs
from ligature.training.settings import Schedule


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Some pairs, images still as bytes: a quarter of the memory that waits ahead of a step and travels to a GPU.

    Attributes:
        images: [B, S, S, 3] uint8, cropped.
        tokens: [B, L] int64, padded to the longest caption of the batch.
        semantics: [B, s] float32 vectors of length one of the captions, or None.
    """

    images: Tensor
    tokens: Tensor
    semantics: Tensor | None

    @property
    def pixels(self) -> Tensor:
        """The images [B, 3, S, S] float32 as the model takes them, normalised where they are, at every call."""
        return to_pixels(self.images)

    def to(self, device: torch.device) -> "PairBatch":
        """Returns the pairs on ``device``; from pinned memory the copy runs beside other work."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "PairBatch":
        """Returns the pairs in memory from which a GPU copies on its own."""
        return self._each(lambda tensor: tensor.pin_memory() if tensor.device.type == "cpu" else tensor)

    def inputs(self) -> list[Tensor | None]:
        """Returns the semantic vectors; bytes are finite."""
        return [self.semantics]

    def _each(self, change: Callable[[Tensor], Tensor]) -> "PairBatch":
        semantics = None if self.semantics is None else change(self.semantics)
        return PairBatch(change(self.images), change(self.tokens), semantics)


@dataclass(frozen=True, eq=False)
class PairBatches:
    """The batches of one training; rows follow from seed and step, crops from seed, epoch and image alone.

    Attributes:
        pairs: images and captions.
        tokenizer: of the captions.
        schedule: seed, batch size, epochs.
        image_size: side S of the input in pixels.
        crop: least and largest share of an image's area in a random crop.
        workers: threads that read, decode, crop and resize.
        cache_bytes: memory for decoded images; those that come first stay, the others are decoded every time.
    """

    pairs: ImageTextPairs
    tokenizer: CaptionTokenizer
    schedule: Schedule
    image_size: int
    crop: tuple[float, float]
    workers: int = 1
    cache_bytes: int = 1 << 30

    @property
    def size(self) -> int:
        """Pairs a step, over all processes."""
        return min(self.schedule.batch_size, len(self.pairs))

    @cached_property
    def _images(self) -> DecodedImages:
        return DecodedImages(self.pairs.paths, self.cache_bytes)

    def load(
        self, first_step: int, share: slice, micro_batch: int | None, device: torch.device
    ) -> Iterator[list[PairBatch]]:
        """Yields the micro-batches of each step, in host memory, ready to be moved to ``device``.

        Args:
            first_step: the step to begin with, from 0.
            share: the part of every batch that this process has.
            micro_batch: pairs of a micro-batch; None puts the whole share into one.
            device: where they will go; for a GPU they are pinned.

        Raises:
            DataError: naming an image that cannot be read.
        """
        with ThreadPoolExecutor(self.workers, thread_name_prefix="decode") as threads:
            for epoch, image_rows, text_rows in self._rows(first_step):
                mine = image_rows[share], text_rows[share]
                size = micro_batch or len(mine[0])
                starts = range(0, len(mine[0]), size)
                parts = [self._collate(epoch, *(rows[at : at + size] for rows in mine), threads) for at in starts]
                yield [part.pinned() for part in parts] if device.type == "cuda" else parts

    def _rows(self, first_step: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        schedule, images = self.schedule, len(self.pairs)
        return rows_of_steps(
            lambda epoch: self.pairs.sample_epoch(schedule.seed, epoch),
            first_step,
            size=self.size,
            steps_per_epoch=schedule.steps_per_epoch(images),
            total_steps=schedule.total_steps(images),
        )

    def _collate(self, epoch: int, image_rows: np.ndarray, text_rows: np.ndarray, threads: Executor) -> PairBatch:
        semantics = self.pairs.unit_semantics(text_rows)
        return PairBatch(
            torch.from_numpy(self._crops(epoch, image_rows, threads)),
            self.tokenizer.encode([self.pairs.captions[row] for row in text_rows]),
            None if semantics is None else torch.from_numpy(semantics),
        )

    def _crops(self, epoch: int, image_rows: np.ndarray, threads: Executor) -> np.ndarray:
        """Returns the crops [B, S, S, 3] uint8 of images; every thread makes a part of them."""
        crops = np.empty((len(image_rows), self.image_size, self.image_size, 3), np.uint8)

        def fill(places: np.ndarray) -> None:
            for place in places.tolist():
                row = int(image_rows[place])
                generator = crop_generator(self.schedule.seed, epoch, row)
                crops[place] = random_resized_crop(self._images[row], self.image_size, self.crop, generator)

        list(threads.map(fill, np.array_split(np.arange(len(image_rows)), self.workers)))
        return crops
