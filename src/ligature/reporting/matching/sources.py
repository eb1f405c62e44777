"""What the part of the page on matching without training is made from; a study may have none of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.errors import DataError
from ligature.reporting.aggregate import CHANCE
from ligature.reporting.readers import checked_objects, read_objects, read_typed_table

RESULT_TEXTS = ("task", "dataset", "split", "model", "protocol", "metric", "variant")
AXIS_TEXTS = (
    *("experiment", "base", "query", "vision", "text", "selection"),
    *("stretch", "direction", "captions", "base_language", "post"),
)
AXIS_NUMBERS = ("base_size", "queries")
SPREAD_NUMBERS = ("low", "high", "sd", "draws")
SEED_NUMBERS = ("base_seed", "query_seed")
SAMPLE_KEYS = {"experiment", "dataset", "vision", "text", "method", "base_size", "direction", "pairs"}
PAIR_KEYS = {"image", "caption", "truth", "correct"}


@dataclass(frozen=True)
class MatchingSources:
    """Where the inputs are; None or an absent file for what a study does not have.

    Attributes:
        results: csv of result rows with the axes of their cell and their interval, means over draws.
        seedwise: csv of result rows with the axes of their cell, one row a draw.
        cka: csv, one row a data set, encoder pair, order of the pairs and metric.
        samples: json, some queries of every experiment with what they were matched to.
    """

    results: Path | None = None
    seedwise: Path | None = None
    cka: Path | None = None
    samples: Path | None = None

    @classmethod
    def in_folder(cls, folder: Path | str) -> "MatchingSources":
        """Returns the sources in the results folder of a study, where the stage leaves them."""
        folder = Path(folder) / "matching"
        return cls(
            results=folder / "results.csv",
            seedwise=folder / "seedwise.csv",
            cka=folder / "cka.csv",
            samples=folder / "samples.json",
        )


@dataclass(frozen=True)
class MatchingInputs:
    """The sources as tables and records; one that is absent is empty."""

    results: pd.DataFrame
    seedwise: pd.DataFrame
    cka: pd.DataFrame
    samples: list[dict[str, Any]]

    def by_experiment(self) -> dict[str, "MatchingInputs"]:
        """Returns the rows of every experiment on its own, in the order of the results."""
        seedwise = {} if self.seedwise.empty else dict(iter(self.seedwise.groupby("experiment", sort=False)))
        return {
            name: MatchingInputs(rows, seedwise.get(name, self.seedwise.iloc[:0]), self.cka, [])
            for name, rows in self.results.groupby("experiment", sort=False)
        }


def read_matching(sources: MatchingSources) -> MatchingInputs:
    """Reads all sources.

    Raises:
        DataError: a file is not what it should be, a column is missing, or a number is.
    """
    samples = read_objects(sources.samples, SAMPLE_KEYS)
    for entry in samples:
        checked_objects(sources.samples, entry["pairs"], PAIR_KEYS)
    return MatchingInputs(
        results=_rows(sources.results, SPREAD_NUMBERS, ()),
        seedwise=_rows(sources.seedwise, SEED_NUMBERS, SEED_NUMBERS),
        cka=read_typed_table(sources.cka, ["dataset", "vision", "text", "order", "metric"], ["value", "n", "draws"]),
        samples=samples,
    )


def _rows(path: Path | None, numbers: tuple[str, ...], needed: tuple[str, ...]) -> pd.DataFrame:
    """Reads result rows with axes; chance has no anchors, and a single draw may have no interval."""
    columns = ["value", "n", "seed", *AXIS_NUMBERS, *numbers]
    table = read_typed_table(path, [*RESULT_TEXTS, *AXIS_TEXTS], columns)
    methods = table["model"] != CHANCE
    for column in ("value", "n", *AXIS_NUMBERS, *needed):
        wrong = table.index[table[column].isna() & (methods | (column in ("value", "n")))]
        if len(wrong):
            raise DataError(
                f"{path}: column {column!r}, row {wrong[0] + 1}: is empty; run the stage that makes it again"
            )
    return table
