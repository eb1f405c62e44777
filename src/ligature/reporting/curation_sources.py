"""What the curation part of the page is made from; a study may have all of it, some of it or none."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.reporting.readers import checked_objects, read_objects, read_record, read_typed_table

CONCEPT_NUMBERS = (
    *("concept", "rarity_rank", "kth_score", "mean_score"),
    *("asked", "found", "kept", "backfilled", "pool"),
)
LATER_CONCEPT_NUMBERS = ("pool_share", "downloaded", "final")
RESULT_TEXTS = ("task", "dataset", "split", "model", "protocol", "metric")
SHEET_KEYS = {"concept", "name", "kind", "rarity_rank", "rows"}


@dataclass(frozen=True)
class CurationSources:
    """Where the inputs are; None or an absent file for what a study does not have.

    Attributes:
        concepts: csv, one row a concept: its scores, and its rows at every stage.
        funnel: csv, one row a step, source and reason: rows dropped, or kept, of those that came in.
        funnel_samples: json, a few dropped rows for every step, source and reason.
        sheet: json, a few concepts with some of the rows that were collected for them.
        prototypes: json, what the concepts are and how their vectors were made.
        downloads: csv, one row a set, source, host and status: rows.
        ablation: csv of result rows, the model being the mix that was trained on.
        mixes: csv, one row a mix and set: rows and weight.
    """

    concepts: Path | None = None
    funnel: Path | None = None
    funnel_samples: Path | None = None
    sheet: Path | None = None
    prototypes: Path | None = None
    downloads: Path | None = None
    ablation: Path | None = None
    mixes: Path | None = None

    @classmethod
    def in_folder(cls, folder: Path | str) -> "CurationSources":
        """Returns the sources in the results folder of a study, where the stages leave them."""
        folder = Path(folder)
        return cls(
            concepts=folder / "mixes/concepts.csv",
            funnel=folder / "mixes/funnel.csv",
            funnel_samples=folder / "mixes/funnel_samples.json",
            sheet=folder / "mixes/sheet.json",
            prototypes=folder / "curation/prototypes.json",
            downloads=folder / "mixes/download.csv",
            ablation=folder / "ablation/results.csv",
            mixes=folder / "mixes/mixes.csv",
        )


@dataclass(frozen=True)
class CurationInputs:
    """The sources as tables and records; one that is absent is empty."""

    concepts: pd.DataFrame
    funnel: pd.DataFrame
    funnel_samples: list[dict[str, Any]]
    sheet: list[dict[str, Any]]
    prototypes: dict[str, Any]
    downloads: pd.DataFrame
    ablation: pd.DataFrame
    mixes: pd.DataFrame


def read_curation(sources: CurationSources) -> CurationInputs:
    """Reads all sources; concepts come in the order of rarity, the rarest first.

    Raises:
        DataError: a file is not what it should be, or a column is missing.
    """
    concepts = read_typed_table(sources.concepts, ["name"], CONCEPT_NUMBERS, LATER_CONCEPT_NUMBERS)
    return CurationInputs(
        concepts=concepts.sort_values(["rarity_rank", "concept"], ignore_index=True),
        funnel=read_typed_table(sources.funnel, ["step", "source", "reason"], ["rows", "rows_in"]),
        funnel_samples=_nested(sources.funnel_samples, {"step", "source", "reason", "samples"}, "samples", "caption"),
        sheet=_nested(sources.sheet, SHEET_KEYS, "rows", "caption"),
        prototypes=read_record(sources.prototypes, ["names"]),
        downloads=read_typed_table(sources.downloads, ["set", "source", "host", "status"], ["rows"]),
        ablation=read_typed_table(sources.ablation, RESULT_TEXTS, ["value", "n", "seed"]),
        mixes=read_typed_table(sources.mixes, ["mix", "set"], ["rows", "weight"]),
    )


def _nested(path: Path | None, keys: set[str], inner: str, inner_key: str) -> list[dict[str, Any]]:
    """Reads objects that hold a list of objects each, under the key ``inner``."""
    objects = read_objects(path, keys)
    for entry in objects:
        checked_objects(path, entry[inner], [inner_key])
    return objects
