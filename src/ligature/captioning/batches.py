"""Which pairs stand in a step, with their tokens and what is seen of their images, in micro-batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ligature.captioning.chat import Chat, Rendered
from ligature.captioning.features import Seen, ViewFeatures
from ligature.captioning.packing import Packed, pack
from ligature.captioning.samples import CaptionData
from ligature.data.pairing import rows_of_steps
from ligature.training.settings import Schedule

Sample = tuple[Rendered, Tensor]
"""A rendered chat and what is seen of its image."""


@dataclass(frozen=True, eq=False)
class CaptionBatch:
    """Some pairs that are computed at once.

    Attributes:
        packed: tokens, attention, labels and numbers of views.
        seen: [N, ...] features, or inputs of a trained tower, of all views in the order of the samples.
        targets: [B, L - 1] tokens to be predicted from the position before; -100 where nothing is.
        cut: number of captions that were cut.
    """

    packed: Packed
    seen: Tensor
    targets: Tensor
    cut: int

    @property
    def count(self) -> int:
        """Tokens to be predicted; the same in whatever company a sample stands."""
        return int((self.targets != -100).sum())

    def to(self, device: torch.device) -> "CaptionBatch":
        """Returns the pairs on ``device``; from pinned memory the copy runs beside other work."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "CaptionBatch":
        """Returns the pairs in memory from which a GPU copies on its own."""
        return self._each(lambda tensor: tensor.pin_memory() if tensor.device.type == "cpu" else tensor)

    def inputs(self) -> list[Tensor]:
        """Returns what is seen, to look for values that are not finite."""
        return [self.seen]

    def _each(self, change: Callable[[Tensor], Tensor]) -> "CaptionBatch":
        tensors = {key: change(value) for key, value in vars(self.packed).items() if isinstance(value, Tensor)}
        return CaptionBatch(replace(self.packed, **tensors), change(self.seen), change(self.targets), self.cut)


def collate(samples: Sequence[Sample], chat: Chat) -> CaptionBatch:
    """Returns samples as one batch; a label whose predecessor is padding is none."""
    packed = pack([rendered for rendered, _ in samples], chat.tokenizer.pad_token_id)
    targets = packed.labels[:, 1:].masked_fill(packed.attention[:, :-1] == 0, -100)
    cut = sum(rendered.cut for rendered, _ in samples)
    return CaptionBatch(packed, torch.cat([seen for _, seen in samples]), targets, cut)


def render_pairs(
    chat: Chat, data: CaptionData, seen: Sequence[Seen], text_rows: Sequence[int], prompts: Sequence[int]
) -> list[Sample]:
    """Renders captions with what is seen of their images."""
    return [
        (chat.render([shape], data.captions[row], prompt=int(prompt)), values)
        for (values, shape), row, prompt in zip(seen, text_rows, prompts, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class CaptionBatches:
    """The batches of one stage; pairs and prompts follow from seed and step.

    Attributes:
        data: images and captions.
        features: what is seen of the images.
        chat: writes samples.
        schedule: seed, batch size, epochs.
    """

    data: CaptionData
    features: ViewFeatures
    chat: Chat
    schedule: Schedule

    def load(
        self, first_step: int, share: slice, micro_batch: int | None, device: torch.device
    ) -> Iterator[list[CaptionBatch]]:
        """Yields the micro-batches of each step, in host memory; samples of like length stand together.

        Args:
            first_step: the step to begin with, from 0.
            share: the part of every batch that this process has.
            micro_batch: pairs of a micro-batch; None puts the whole share into one.
            device: where they will go; for a GPU they are pinned.

        Raises:
            DataError: naming an image that cannot be read.
            ParamsError: if the visual tokens of an image do not fit the context.
        """
        for step, (_, image_rows, text_rows) in enumerate(self._rows(first_step), first_step):
            prompts = self._draw_prompts(step, len(text_rows))[share]
            seen = self.features.load(image_rows[share])
            samples = render_pairs(self.chat, self.data, seen, text_rows[share], prompts)
            samples.sort(key=lambda sample: len(sample[0].tokens))
            size = micro_batch or len(samples)
            parts = [collate(samples[at : at + size], self.chat) for at in range(0, len(samples), size)]
            yield [part.pinned() for part in parts] if device.type == "cuda" else parts

    def typical_sample(self, device: torch.device) -> tuple[Tensor, Packed]:
        """Returns the tower's input [v, 3, h, w] and the tokens of the sample of middle length of the first step."""
        _, image_rows, text_rows = next(self._rows(0))
        shown = [self.features.inputs(row) for row in image_rows.tolist()]
        samples = render_pairs(self.chat, self.data, shown, text_rows, self._draw_prompts(0, len(text_rows)))
        samples.sort(key=lambda sample: len(sample[0].tokens))
        batch = collate([samples[len(samples) // 2]], self.chat).to(device)
        return batch.seen, batch.packed

    def _rows(self, first_step: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        schedule, images = self.schedule, len(self.data)
        return rows_of_steps(
            lambda epoch: self.data.sample_epoch(schedule.seed, epoch),
            first_step,
            size=min(schedule.batch_size, images),
            steps_per_epoch=schedule.steps_per_epoch(images),
            total_steps=schedule.total_steps(images),
        )

    def _draw_prompts(self, step: int, count: int) -> np.ndarray:
        generator = np.random.default_rng([self.schedule.seed, step, 1])
        return generator.integers(max(len(self.chat.settings.prompts), 1), size=count)
