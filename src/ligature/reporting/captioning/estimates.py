"""A mean with its interval: Student's over seeds, or of one seed a bootstrap over images."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ligature.reporting.claims.effect import CONFIDENCE
from ligature.reporting.text import NOTHING, number

RESAMPLES = 1000
MOST_IMAGES = 100_000
"""Images of a bootstrap at most."""


@dataclass(frozen=True)
class Estimate:
    """A mean.

    Attributes:
        value: of the mean; NaN where there is nothing.
        low: lower end of its 95 % interval; NaN where it has none.
        high: upper end.
        seeds: behind it.
        interval: how the interval was made, in words; empty where there is none.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    seeds: int = 0
    interval: str = ""

    def cell(self, digits: int = 1) -> str:
        """Returns the mean with its interval in brackets, where it has one."""
        if math.isnan(self.value):
            return NOTHING
        ends = "" if math.isnan(self.low) else f" ({number(self.low, digits)} to {number(self.high, digits)})"
        return number(self.value, digits) + ends


def over_seeds(values: pd.Series) -> Estimate:
    """Returns the mean over seeds with Student's interval, where there are two or more."""
    from scipy.stats import t

    count = len(values)
    if count < 2:
        return Estimate(float(values.mean()), seeds=count) if count else Estimate()
    half = float(t.ppf((1 + CONFIDENCE) / 2, count - 1) * values.std(ddof=1) / math.sqrt(count))
    mean = float(values.mean())
    return Estimate(mean, mean - half, mean + half, count, f"Student's t over {count} seeds")


def over_images(values: pd.Series) -> Estimate:
    """Returns the mean of one seed with a bootstrap interval over its images; the same values give the same ends.

    Args:
        values: one an image.
    """
    count = len(values)
    mean = float(values.mean()) if count else math.nan
    if not 2 <= count <= MOST_IMAGES:
        return Estimate(mean, seeds=1)
    draw, array = np.random.default_rng(0), values.to_numpy()
    means = [array[draw.integers(count, size=count)].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(mean, float(low), float(high), 1, f"bootstrap over {count:,} images")
