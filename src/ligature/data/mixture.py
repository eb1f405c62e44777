"""Mixtures: how often the rows of several sources are drawn in every epoch of a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import isfinite
from typing import Literal

import numpy as np

from ligature.errors import ParamsError

BLOCK_ROWS = 1 << 16
"""Permutations of a small source are drawn together, in blocks of about so many rows."""


@dataclass(frozen=True)
class Mixture:
    """Sources that are drawn from in given shares; an epoch has as many rows as all sources together.

    The rows of a source are taken one after the other from an endless sequence of its random permutations, so that
    the numbers of times that two of its rows have been seen never differ by more than one.

    Attributes:
        sizes: rows of every source.
        weights: share of every source, up to a common factor.

    Raises:
        ParamsError: if there is no source, a source is empty, or a weight is not above zero or gives less than one
            row an epoch.
    """

    sizes: tuple[int, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Checks sizes and weights."""
        if not self.sizes or len(self.sizes) != len(self.weights):
            raise ParamsError(
                f"mixture: {len(self.sizes)} sources and {len(self.weights)} weights; give one weight each"
            )
        for source, (size, weight) in enumerate(zip(self.sizes, self.weights, strict=True)):
            if size < 1:
                raise ParamsError(f"mixture: source {source} has {size} rows; leave it out")
            if not (isfinite(weight) and weight > 0):
                raise ParamsError(f"mixture: the weight of source {source} is {weight}; give one above 0")
        for source, rows in enumerate(self._rows_an_epoch):
            if rows < 1:
                raise ParamsError(
                    f"mixture: source {source} gets {float(rows):.3g} rows an epoch; raise its weight or leave it out"
                )

    @classmethod
    def proportional(cls, sizes: Sequence[int]) -> "Mixture":
        """Weighs every source by its size: every row is drawn once an epoch."""
        return cls.given(sizes, sizes)

    @classmethod
    def equal(cls, sizes: Sequence[int]) -> "Mixture":
        """Weighs all sources the same: the rows of small ones are drawn more often."""
        return cls.given(sizes, [1.0] * len(sizes))

    @classmethod
    def given(cls, sizes: Sequence[int], weights: Sequence[float]) -> "Mixture":
        """Weighs the sources as given."""
        return cls(tuple(int(size) for size in sizes), tuple(float(weight) for weight in weights))

    @classmethod
    def of(cls, sizes: Sequence[int], weights: Literal["proportional", "equal"] | Sequence[float]) -> "Mixture":
        """Weighs the sources as a study says it.

        Raises:
            ParamsError: for a word that is neither of the two.
        """
        if not isinstance(weights, str):
            return cls.given(sizes, weights)
        if weights not in ("proportional", "equal"):
            raise ParamsError(f"mixture: weights are {weights!r}; write 'proportional', 'equal' or a list of numbers")
        return cls.proportional(sizes) if weights == "proportional" else cls.equal(sizes)

    @property
    def rows(self) -> int:
        """Rows of all sources together, and of every epoch."""
        return sum(self.sizes)

    @cached_property
    def _rows_an_epoch(self) -> list[Fraction]:
        shares = [Fraction(weight) for weight in self.weights]
        return [share / sum(shares) * self.rows for share in shares]

    def drawn_before(self, epoch: int) -> list[int]:
        """Returns how many rows of every source all epochs before ``epoch`` draw; together ``epoch * rows``.

        Each is its exact share, rounded down; the rows that are then missing go to the largest remainders. Since a
        source has at least one row an epoch, the numbers never fall from one epoch to the next.
        """
        exact = [rows * epoch for rows in self._rows_an_epoch]
        counts = [int(share) for share in exact]
        order = sorted(range(len(exact)), key=lambda source: counts[source] - exact[source])
        for source in order[: epoch * self.rows - sum(counts)]:
            counts[source] += 1
        return counts

    def draws(self, seed: int, epoch: int) -> np.ndarray:
        """Returns the rows [n] int64 of the concatenated sources that an epoch draws, in ascending order."""
        starts = accumulate(self.sizes[:-1], initial=0)
        bounds = zip(self.drawn_before(epoch), self.drawn_before(epoch + 1), strict=True)
        parts = [
            start + _endless_rows(size, first, last, [seed, source])
            for source, (start, size, (first, last)) in enumerate(zip(starts, self.sizes, bounds, strict=True))
        ]
        return np.sort(np.concatenate(parts))

    def epoch_rows(self, seed: int, epoch: int) -> np.ndarray:
        """Returns the rows [n] int64 of an epoch in random order; no earlier epoch is needed for it.

        Args:
            seed: of the permutations of every source, and of the order of the epoch.
            epoch: from 0.
        """
        return self.draws(seed, epoch)[np.random.default_rng([seed, epoch]).permutation(self.rows)]


def _endless_rows(size: int, first: int, last: int, key: list[int]) -> np.ndarray:
    """Returns the elements ``first`` to ``last`` of an endless sequence of random permutations of ``size`` rows."""
    cycles = max(BLOCK_ROWS // size, 1)
    length = cycles * size
    blocks = range(first // length, -(-last // length))
    drawn = [_permutations(size, cycles, [*key, block]) for block in blocks]
    return np.concatenate(drawn)[first - blocks.start * length : last - blocks.start * length]


def _permutations(size: int, cycles: int, key: list[int]) -> np.ndarray:
    rows = np.tile(np.arange(size, dtype=np.int64), (cycles, 1))
    return np.random.default_rng([*key, 1]).permuted(rows, axis=1).reshape(-1)  # NumPy takes [a, b] for [a, b, 0]
