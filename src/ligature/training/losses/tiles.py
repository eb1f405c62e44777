"""Products of rows and columns in tiles, each made, used and forgotten."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor


class Tile(NamedTuple):
    """A block of logits.

    Attributes:
        logits: [r, c].
        rows: which rows they are.
        columns: which columns they are.
        matches: the positives inside the block, a view [p] of its logits.
        matched: the rows of the positives.
    """

    logits: Tensor
    rows: slice
    columns: slice
    matches: Tensor
    matched: slice


def iterate_tiles(rows: Tensor, columns: Tensor, offset: int, size: int) -> Iterator[Tile]:
    """Yields ``rows @ columns.T`` in tiles of at most ``size`` x ``size``; all share memory and may be overwritten.

    Args:
        rows: [n, D].
        columns: [b, D].
        offset: the column that is the positive of row 0; those of the next rows follow.
        size: rows and columns of a tile.
    """
    memory = rows.new_empty(min(size, len(rows)) * min(size, len(columns)))
    for top in range(0, len(rows), size):
        own = rows[top : top + size]
        for left in range(0, len(columns), size):
            others = columns[left : left + size]
            logits = memory[: len(own) * len(others)].view(len(own), len(others))
            logits.addmm_(own, others.T, beta=0)
            diagonal = offset + top - left
            matches = logits.diagonal(diagonal)
            first = top + max(0, -diagonal)
            yield Tile(
                logits,
                slice(top, top + len(own)),
                slice(left, left + len(others)),
                matches,
                slice(first, first + len(matches)),
            )
