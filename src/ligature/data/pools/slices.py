"""Contiguous slices of the rows of a file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RowSlice:
    """One of several contiguous slices that together hold every row once.

    Attributes:
        index: from 0.
        count: number of slices.
    """

    index: int = 0
    count: int = 1

    def bounds(self, rows: int) -> tuple[int, int]:
        """Returns the first row and the row after the last, of a file with so many ``rows``."""
        return rows * self.index // self.count, rows * (self.index + 1) // self.count
