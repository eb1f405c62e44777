"""Differences between methods or settings of matching, paired over draws, with their interval."""

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ligature.matching.draws import crossed_interval
from ligature.reporting.matching.rows import CELL
from ligature.reporting.matching.sources import MatchingInputs

KEYS = [*CELL, "model", "post", "metric"]
DRAWS = ["base_seed", "query_seed"]
Verdict = Literal["above", "below", "level", "one draw"]


@dataclass(frozen=True)
class Difference:
    """A mean difference.

    Attributes:
        value: ours minus theirs.
        low: lower end of its 95 % interval; NaN where one draw has no spread.
        high: upper end.
        draws: pairs of draws behind it.
        settings: cells it is the mean over.
    """

    value: float
    low: float
    high: float
    draws: int
    settings: int

    @property
    def verdict(self) -> Verdict:
        """Whether ours is above or below theirs, as far as the interval shows."""
        if math.isnan(self.low) or math.isnan(self.high):
            return "one draw"
        return "above" if self.low > 0 else "below" if self.high < 0 else "level"


def difference(
    inputs: MatchingInputs, where: dict[str, str], ours: dict[str, str], theirs: dict[str, str]
) -> Difference | None:
    """Returns ours minus theirs, the mean over all settings that both have; None where there are none.

    Values of one draw of the anchors and of the queries are compared with each other, so what a draw does to both
    falls away; the interval is over crossed draws. Without rows of draws the ends of the two intervals are taken,
    which is never too narrow.

    Args:
        inputs: the tables; of one experiment, or draws that have nothing in common are mixed.
        where: what both sides have, by column of ``KEYS``.
        ours: what the one side has, by column.
        theirs: what the other side has, by the same columns.
    """
    same = [key for key in KEYS if key not in ours]
    sides = (where | ours, where | theirs)
    if inputs.seedwise.empty:
        return _of_intervals(inputs.results, sides, same)
    keys = [*same, *DRAWS]
    one, other = (select(inputs.seedwise, side).groupby(keys)["value"].mean() for side in sides)
    pairs = (one - other).dropna()
    grid = pairs.groupby(level=DRAWS).mean().unstack().dropna(axis="columns")
    if grid.empty:
        return None
    found = crossed_interval(grid.to_numpy(), 1, share=False)
    return Difference(found.mean, found.low, found.high, grid.size, pairs.index.droplevel(DRAWS).nunique())


def select(rows: pd.DataFrame, values: dict[str, str]) -> pd.DataFrame:
    """Returns the rows that have ``values``, by column."""
    for column, value in values.items():
        rows = rows[rows[column] == value]
    return rows


def _of_intervals(results: pd.DataFrame, sides: tuple[dict, dict], same: list[str]) -> Difference | None:
    columns = ["value", "low", "high", "draws"]
    one, other = (select(results, side).groupby(same)[columns].mean() for side in sides)
    common = one.index.intersection(other.index)
    if common.empty:
        return None
    one, other = one.loc[common], other.loc[common]
    ends = ((one["low"] - other["high"]).mean(skipna=False), (one["high"] - other["low"]).mean(skipna=False))
    return Difference((one["value"] - other["value"]).mean(), *ends, int(one["draws"].min()), len(common))
