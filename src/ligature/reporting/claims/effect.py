"""An effect with its interval: a difference over seeds, or between two proportions."""

import math
from dataclasses import dataclass

import pandas as pd

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Effect:
    """A measured effect; the claim holds if its whole interval is above zero.

    Attributes:
        value: of the effect.
        low: lower end of its 95 % interval.
        high: upper end.
        n: seeds, queries or pairs behind it.
        measure: what the value is, in words.
        interval: how the interval was made, in words.
    """

    value: float
    low: float
    high: float
    n: int
    measure: str
    interval: str

    @property
    def holds(self) -> bool:
        """Whether the interval lies above zero."""
        return self.low > 0


def paired_effect(ours: pd.Series, theirs: pd.Series, measure: str, units: str) -> Effect | None:
    """Returns the mean of paired differences with Student's interval.

    Args:
        ours: values, indexed by what pairs them: seed or class.
        theirs: values of what it is compared with, indexed in the same way.
        measure: what the difference is.
        units: what pairs them, in the plural.

    Returns:
        None with fewer than two pairs, where no interval can be given.
    """
    from scipy.stats import t

    differences = (ours - theirs).dropna()
    count = len(differences)
    if count < 2:
        return None
    half = t.ppf((1 + CONFIDENCE) / 2, count - 1) * differences.std(ddof=1) / math.sqrt(count)
    mean = float(differences.mean())
    return Effect(mean, mean - float(half), mean + float(half), count, measure, f"Student's t over {count} {units}")


def proportion_effect(value: float, n: int, other: float, other_n: int | None, measure: str) -> Effect:
    """Returns the difference of two proportions with the normal approximation's interval.

    For means of values between 0 and 1 that are no proportions, such as IoU, the interval is too wide and never too
    narrow: no such value varies more than a proportion does.

    Args:
        value: a proportion of ``n``.
        n: trials behind it.
        other: the proportion it is compared with.
        other_n: trials behind that one; None where it is known exactly, such as chance.
        measure: what the difference is.
    """
    variance = value * (1 - value) / n + (other * (1 - other) / other_n if other_n else 0.0)
    half = 1.96 * math.sqrt(variance)
    difference = value - other
    return Effect(difference, difference - half, difference + half, n, measure, f"binomial, n = {n:,}")
