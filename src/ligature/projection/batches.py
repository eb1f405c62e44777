"""Which pairs stand in a step, and their features in micro-batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ligature.data.pairing import rows_of_steps
from ligature.projection.features import PairedFeatures, collate
from ligature.projection.settings import TrainSettings

_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class MicroBatch:
    """Features of some pairs.

    Attributes:
        images: the arguments of ``Projector.encode_image``.
        texts: the arguments of ``Projector.encode_text``.
    """

    images: dict[str, Tensor | None]
    texts: tuple[Tensor, Tensor | None]

    def to(self, device: torch.device) -> "MicroBatch":
        """Returns the features on ``device``; from pinned memory the copy runs beside other work."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "MicroBatch":
        """Returns the features in memory from which a GPU copies on its own."""
        return self._each(lambda tensor: tensor.pin_memory() if tensor.device == _CPU else tensor)

    def inputs(self) -> list[Tensor | None]:
        """Returns the features alone, without masks."""
        return [self.images["cls"], self.images["local"], self.texts[0]]

    def _each(self, change: Callable[[Tensor], Tensor]) -> "MicroBatch":
        images = {key: None if tensor is None else change(tensor) for key, tensor in self.images.items()}
        return MicroBatch(images, tuple(None if tensor is None else change(tensor) for tensor in self.texts))


@dataclass(frozen=True, eq=False)
class Batches:
    """The batches of one training; the rows of a step follow from the seed and the step alone.

    Attributes:
        data: features and pairing.
        settings: seed, batch size, epochs.
    """

    data: PairedFeatures
    settings: TrainSettings

    @property
    def size(self) -> int:
        """Pairs a step, over all processes."""
        return min(self.settings.batch_size, len(self.data.images))

    def rows(self, first_step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the image rows [B] and the text rows [B] of each step from ``first_step`` (from 0) to the last."""
        images, settings = len(self.data.images), self.settings
        steps = rows_of_steps(
            lambda epoch: self.data.sample_epoch(settings.seed, epoch),
            first_step,
            size=self.size,
            steps_per_epoch=settings.steps_per_epoch(images),
            total_steps=settings.total_steps(images),
        )
        yield from ((image_rows, text_rows) for _, image_rows, text_rows in steps)

    def load(
        self, first_step: int, share: slice, micro_batch: int | None, device: torch.device
    ) -> Iterator[list[MicroBatch]]:
        """Yields the micro-batches of each step, in host memory, ready to be moved to ``device``.

        Args:
            first_step: the step to begin with.
            share: the part of every batch that this process has.
            micro_batch: pairs of a micro-batch; None puts the whole share into one.
            device: where they will go; for a GPU they are pinned.
        """
        for image_rows, text_rows in self.rows(first_step):
            mine = image_rows[share], text_rows[share]
            size = micro_batch or len(mine[0])
            parts = [self.collate(*(rows[at : at + size] for rows in mine)) for at in range(0, len(mine[0]), size)]
            yield [part.pinned() for part in parts] if device.type == "cuda" else parts

    def collate(self, image_rows: np.ndarray, text_rows: np.ndarray) -> MicroBatch:
        """Returns the features of the pairs of these rows."""
        return MicroBatch(self.data.images.collate(image_rows, _CPU), collate(self.data.texts, text_rows, _CPU))
