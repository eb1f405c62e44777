"""Texts as tokens, and batches of texts of like length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ligature.data.pairing import rows_of_steps
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer
from ligature.training.settings import Schedule

POOL = 64
"""Batches whose texts are sorted by length together."""
_BLOCK = 1 << 14


@dataclass(frozen=True, eq=False)
class TextBatch:
    """Some texts that are computed at once.

    Attributes:
        tokens: [b, l] ids from start to end, padded on the right.
        lengths: [b] tokens of each.
    """

    tokens: Tensor
    lengths: Tensor

    @property
    def count(self) -> int:
        """Tokens to be predicted: all but the first of each."""
        return int(self.lengths.sum()) - len(self.lengths)

    def inputs(self) -> list[Tensor]:
        """Returns nothing: ids are finite."""
        return []


class TokenizedTexts:
    """Texts as ids in one array, cut to the tokenizer's context."""

    def __init__(self, texts: Sequence[str], tokenizer: CaptionTokenizer) -> None:
        """Tokenises the texts, a block at a time."""
        parts, lengths, self.cut = [], [], 0
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            before = np.array(tokenizer.lengths(block))
            kept = np.minimum(before, tokenizer.context_length)
            rows = tokenizer.encode(block).numpy()
            parts.append(rows[np.arange(rows.shape[1]) < kept[:, None]].astype(np.int32))
            lengths.append(kept)
            self.cut += int((before > kept).sum())
        self._ids, self.lengths = np.concatenate(parts), np.concatenate(lengths)
        self._ends = np.cumsum(self.lengths)
        self._pad = tokenizer.pad_token

    def __len__(self) -> int:
        """Returns the number of texts."""
        return len(self.lengths)

    def batch(self, rows: np.ndarray) -> TextBatch:
        """Returns some texts, padded to the longest of them."""
        lengths = self.lengths[rows]
        tokens = np.full((len(rows), lengths.max()), self._pad, np.int64)
        for place, (end, length) in enumerate(zip(self._ends[rows], lengths, strict=True)):
            tokens[place, :length] = self._ids[end - length : end]
        return TextBatch(torch.from_numpy(tokens), torch.from_numpy(lengths))

    def epoch_rows(self, seed: int, epoch: int, batch_size: int) -> np.ndarray:
        """Returns rows [n] in an order whose batches hold texts of like length, and are else random.

        The texts are shuffled, sorted by length within pools of ``POOL`` batches, and the batches shuffled; what is
        left over after the last whole batch stands at the end.
        """
        generator = np.random.default_rng([seed, epoch, 1])
        order = generator.permutation(len(self))
        whole = max(len(self) // batch_size, 1) * batch_size
        used, pool = order[:whole], POOL * batch_size
        pools = [used[start : start + pool] for start in range(0, len(used), pool)]
        ordered = np.concatenate([rows[np.argsort(self.lengths[rows], kind="stable")] for rows in pools])
        starts = generator.permutation(np.arange(0, len(ordered), batch_size))
        return np.concatenate([ordered[start : start + batch_size] for start in starts] + [order[whole:]])

    def steps(self, first_step: int, schedule: Schedule) -> Iterator[np.ndarray]:
        """Yields the rows of every step from ``first_step`` on."""
        size, texts = min(schedule.batch_size, len(self)), len(self)

        def sample(epoch: int) -> tuple[np.ndarray, np.ndarray]:
            rows = self.epoch_rows(schedule.seed, epoch, size)
            return rows, rows

        steps = {"steps_per_epoch": schedule.steps_per_epoch(texts), "total_steps": schedule.total_steps(texts)}
        for _, rows, _ in rows_of_steps(sample, first_step, size=size, **steps):
            yield rows
