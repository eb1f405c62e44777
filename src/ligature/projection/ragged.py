"""Token features of items of unequal length, in memory or memory-mapped, in 16 or 8 bits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ligature.errors import DataError
from ligature.store.quantised import dequantise
from ligature.store.rows import Rows

_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class RaggedTokens:
    """Token features of items of unequal length.

    Attributes:
        tokens: [total_tokens, D], the tokens of all stored items, one item after the other; int8 codes with ``scales``.
        offsets: [stored + 1] integers; stored item i has the rows ``offsets[i]`` to ``offsets[i + 1]``.
        scales: [total_tokens] scales of int8 codes; None where the tokens are numbers as they are.
        skip: tokens at the start of every stored item that are left out, such as the CLS token.
        items: [n] stored items that are used, in this order; all by default.

    Raises:
        DataError: if the offsets do not cover the tokens, or an item has no token beyond those left out.
    """

    tokens: np.ndarray | Rows
    offsets: np.ndarray
    scales: np.ndarray | Rows | None = None
    skip: int = 0
    items: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Checks the offsets and widens them to 64 bits."""
        offsets = np.asarray(self.offsets, dtype=np.int64)
        object.__setattr__(self, "offsets", offsets)
        if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != len(self.tokens):
            raise DataError(f"token offsets must run from 0 to the {len(self.tokens)} tokens")
        if self.items is None:
            object.__setattr__(self, "items", np.arange(len(offsets) - 1))
        empty = np.flatnonzero(self.lengths < 1)
        if len(empty):
            raise DataError(f"item {empty[0]} has no tokens")
        if (self.scales is not None) != (self.tokens.dtype == np.int8):
            raise DataError("int8 tokens come with scales, others without")

    def __len__(self) -> int:
        """Returns the number of items."""
        return len(self.items)

    @property
    def starts(self) -> np.ndarray:
        """The row of the first token of every item, [n]."""
        return self.offsets[self.items] + self.skip

    @property
    def lengths(self) -> np.ndarray:
        """The number of tokens of every item, [n]."""
        return self.offsets[self.items + 1] - self.starts

    def take(self, rows: np.ndarray) -> "RaggedTokens":
        """Returns the items of ``rows``, in their order; no token is copied."""
        return replace(self, items=self.items[rows])

    def pad(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the tokens of ``rows``, padded with zeros [B, T, D], and their mask [B, T].

        Only these tokens are read; int8 codes come as float32.
        """
        items = self.items[rows]
        starts = (self.offsets[items] + self.skip)[:, None]
        lengths = self.offsets[items + 1][:, None] - starts
        positions = np.arange(lengths.max())
        mask = positions < lengths
        chosen = self._read((starts + positions)[mask])
        padded = np.zeros((*mask.shape, self.tokens.shape[1]), chosen.dtype)
        padded[mask] = chosen
        return padded, mask

    def _read(self, rows: np.ndarray) -> np.ndarray:
        return self.tokens[rows] if self.scales is None else dequantise(self.tokens[rows], self.scales[rows])

    def first(self) -> np.ndarray:
        """Returns the first token of every item, those left out included, in memory: [n, D]."""
        return self._read(self.offsets[self.items])

    def means(self) -> np.ndarray:
        """Returns the mean token of every item, [n, D] float32; a block of items is read at a time."""
        means = np.empty((len(self), self.tokens.shape[1]), np.float32)
        for start in range(0, len(self), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(self)))
            padded, mask = self.pad(rows)
            means[rows] = padded.sum(axis=1, dtype=np.float32) / mask.sum(axis=1, keepdims=True)
        return means


def concatenate_tokens(parts: Sequence[RaggedTokens]) -> RaggedTokens:
    """Returns the items of all parts, one part after the other; tokens stay where they are.

    Raises:
        DataError: if the parts are not of one width and kind.
    """
    first = parts[0]
    for part in parts[1:]:
        for one, other in ((first.tokens.shape[1], part.tokens.shape[1]), (first.tokens.dtype, part.tokens.dtype)):
            if one != other:
                raise DataError(f"tokens of {one} and of {other} cannot stand in one set; embed both in one view")
        if part.skip != first.skip:
            raise DataError("tokens with and without a CLS token cannot stand in one set")
    token_starts = np.cumsum([0, *(len(part.tokens) for part in parts)])
    item_starts = np.cumsum([0, *(len(part.offsets) - 1 for part in parts)])
    return RaggedTokens(
        Rows([part.tokens for part in parts]),
        np.concatenate([[0], *(part.offsets[1:] + start for part, start in zip(parts, token_starts, strict=False))]),
        None if first.scales is None else Rows([part.scales for part in parts]),
        first.skip,
        np.concatenate([part.items + start for part, start in zip(parts, item_starts, strict=False)]),
    )
