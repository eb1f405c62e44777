"""Products of rows and columns in tiles, each made, used and forgotten, and sums over all of them."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
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


class OnlineLogSumExp:
    """The log-sum-exp of many vectors that arrive in parts: the largest value, and the sum relative to it.

    Attributes:
        largest: [vectors].
        total: [vectors].
    """

    def __init__(self, first: Tensor, dim: int) -> None:
        """Takes the first value of every vector, [vectors], or minus infinity, and where they lie in a tile."""
        self.dim = dim
        self.largest = first.clone()
        self.total = torch.ones_like(first)

    def add(self, logits: Tensor, where: slice) -> None:
        """Adds the logits of the vectors ``where``, which lie along ``dim``.

        A vector without a finite value so far needs one among them.
        """
        largest, total = self.largest[where], self.total[where]
        before = largest.clone()
        torch.maximum(before, logits.amax(self.dim), out=largest)
        total *= (before - largest).exp_()
        total += (logits - largest.unsqueeze(self.dim)).exp_().sum(self.dim)

    def log_sum_exp(self) -> Tensor:
        """Returns it in float64, [vectors]; minus infinity where nothing was added."""
        return self.largest.double() + self.total.double().log()
