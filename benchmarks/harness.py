"""What every benchmark shares: best-of-n timing and one row that compares fast with plain."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One comparison, both sides timed in the same run.

    Attributes:
        name: what is compared.
        plain_seconds: time of the plain reference.
        fast_seconds: time of the project's own path.
        target: the ratio that must be reached.
        difference: largest difference between the two results, or None where they are not comparable.
        note: sizes and anything needed to read the figures.
    """

    name: str
    plain_seconds: float
    fast_seconds: float
    target: float
    difference: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Plain time over fast time: above one is faster."""
        return self.plain_seconds / self.fast_seconds

    @property
    def reached(self) -> bool:
        """Whether the ratio reaches the target."""
        return self.ratio >= self.target

    def as_dict(self) -> dict[str, Any]:
        """Returns the row as plain values, ratio included."""
        return asdict(self) | {"ratio": self.ratio, "reached": self.reached}


def best_of(function: Callable[[], Any], repeats: int = 3) -> tuple[float, Any]:
    """Returns the shortest wall time of ``repeats`` calls in seconds, and the last result."""
    shortest, result = float("inf"), None
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest, result
