"""Walks the rows, or the upper triangle of an n x n matrix, in tiles, so that the matrix never exists whole."""

from collections.abc import Iterator

TILE = 1024


def row_tiles(rows: int, size: int = TILE) -> Iterator[slice]:
    """Yields consecutive slices of ``size`` rows; the last may be shorter."""
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def upper_tiles(rows: int, size: int = TILE) -> Iterator[tuple[slice, slice]]:
    """Yields (row slice, column slice) of every tile on or above the diagonal; equal slices lie on it."""
    for first in row_tiles(rows, size):
        for second in row_tiles(rows, size):
            if second.start >= first.start:
                yield first, second
