"""The interval of a fraction that was counted over independent items."""

import math
import re

COUNTED = re.compile(r"^top\d+$|_recall@\d+$")
Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


def counted(metric: str) -> bool:
    """Whether a metric is the share of items that came out right, so that its error is binomial."""
    return COUNTED.search(metric) is not None


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share of ``n`` independent items (Wilson, 1927)."""
    square = Z * Z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
