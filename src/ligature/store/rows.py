"""Several arrays on disk read as one, of which only the rows asked for come into memory."""

from collections.abc import Callable, Sequence

import numpy as np


class Rows:
    """The rows of several arrays of one width and type, one array after the other; nothing is copied together.

    Attributes:
        parts: the arrays, [n_i, ...], memory-mapped or not.
        shape: of all of them together.
        dtype: of all of them.
    """

    def __init__(
        self, parts: Sequence["np.ndarray | Rows"], checks: Sequence[Callable[[], None]] | None = None
    ) -> None:
        """Puts arrays, and the arrays of other views, one after the other; at least one.

        Args:
            parts: the arrays or views.
            checks: one for every array, called before the first of its rows is read; those of views are theirs.
        """
        self.parts: list[np.ndarray] = []
        self._checks = dict(enumerate(checks or []))
        for part in parts:
            if isinstance(part, Rows):
                self._checks |= {len(self.parts) + number: check for number, check in part._checks.items()}
            self.parts += part.parts if isinstance(part, Rows) else [part]
        self._bounds = np.cumsum([0, *map(len, self.parts)])
        self.shape = (int(self._bounds[-1]), *self.parts[0].shape[1:])
        self.dtype = self.parts[0].dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        """Returns the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray | slice) -> np.ndarray:
        """Returns the rows of an array of indices from 0, or of a slice, as an array in memory."""
        rows = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows)
        part_of_row = np.searchsorted(self._bounds, rows, side="right") - 1
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for part in np.unique(part_of_row).tolist():
            self._check(part)
            chosen = part_of_row == part
            found[chosen] = self.parts[part][rows[chosen] - self._bounds[part]]
        return found

    def _check(self, part: int) -> None:
        if part in self._checks:
            self._checks[part]()
            self._checks.pop(part, None)
