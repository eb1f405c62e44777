"""Results as rows of one schema, from which every table, figure and claim is built."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from ligature.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Result:
    """One measured value.

    Attributes:
        task: what was asked, for example ``retrieval``.
        dataset: name of the data set.
        split: its split.
        model: what was measured.
        protocol: how, in a few words, for example ``cosine, best of 5 captions``.
        metric: name of the value, for example ``i2t_recall@1``.
        value: the value, finite.
        n: number of queries or images behind it.
        seed: seed of the run.
        variant: which of several questions to one data set: prompt set, language or number of words; empty for the
            main one.

    Raises:
        DataError: an empty name, a value that is not finite, or an n below one.
    """

    task: str
    dataset: str
    split: str
    model: str
    protocol: str
    metric: str
    value: float
    n: int
    seed: int
    variant: str = ""

    def __post_init__(self) -> None:
        """Checks the row."""
        empty = [name for name in TEXT_COLUMNS if not str(getattr(self, name)).strip()]
        if empty:
            raise DataError(f"result {self.name}: {empty[0]} is empty")
        if not math.isfinite(self.value):
            raise DataError(f"result {self.name}: value is {self.value}, expected a finite number")
        if self.n < 1:
            raise DataError(f"result {self.name}: n is {self.n}, expected at least 1")

    @property
    def name(self) -> str:
        """What tells the row from others, for messages."""
        return _joined(getattr(self, column) for column in KEY_COLUMNS)


RESULT_COLUMNS = tuple(field.name for field in fields(Result))
TEXT_COLUMNS = ("task", "dataset", "split", "model", "protocol", "metric")
KEY_COLUMNS = (*TEXT_COLUMNS, "seed", "variant")


def results_table(rows: Iterable[Result]) -> pd.DataFrame:
    """Returns the rows as a table with the columns ``RESULT_COLUMNS``, in the order given.

    Raises:
        DataError: two rows that agree in everything but value and n.
    """
    import pandas as pd

    table = pd.DataFrame([asdict(row) for row in rows], columns=list(RESULT_COLUMNS))
    doubled = table.duplicated(list(KEY_COLUMNS))
    if doubled.any():
        name = _joined(table.loc[doubled.idxmax(), list(KEY_COLUMNS)])
        raise DataError(f"result {name} is given twice; keep one row a measurement")
    return table


def _joined(values: Iterable[object]) -> str:
    return "/".join(str(value) for value in values if value != "")
