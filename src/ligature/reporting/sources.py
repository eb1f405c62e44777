"""What the page is made from: files of the earlier stages, read and checked."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.errors import DataError

PAIR_COLUMNS = (
    *("dataset", "vision", "text", "n", "vision_dim", "text_dim", "cka_biased", "cka_debiased", "cka_ci_low"),
    *("cka_ci_high", "cka_null_mean", "cka_null_sd", "cka_z", "cka_p", "cka_rbf", "mutual_knn"),
)
RESULT_COLUMNS = ("task", "dataset", "split", "model", "protocol", "metric", "value", "n", "seed")
SAMPLE_KEYS = {"dataset", "direction", "query", "hits"}


@dataclass(frozen=True)
class ReportSources:
    """Where the inputs of the page are; None or an absent file for what a study does not have.

    Attributes:
        pairs: csv, one row a data set and encoder pair: similarity and the probe's retrieval.
        chosen: json, the chosen pair and why.
        history: csv, one row a logged training step.
        projector: json, configuration and facts of the trained projector.
        results: csv of result rows.
        correlations: csv, how metrics of similarity follow the probe's retrieval.
        samples: json, sample retrievals.
        features: csv, features in the plane before and after alignment.
        stores: one dict an embedding store: encoder, modality, dataset, rows, dims, skipped, truncated, max_tokens.
    """

    pairs: Path
    chosen: Path
    history: Path
    projector: Path
    results: Path
    correlations: Path | None = None
    samples: Path | None = None
    features: Path | None = None
    stores: Sequence[dict[str, Any]] = ()

    @classmethod
    def in_folder(cls, folder: Path | str, stores: Sequence[dict[str, Any]] = ()) -> "ReportSources":
        """Returns the sources in the results folder of a study, where the stages leave them."""
        folder = Path(folder)
        return cls(
            pairs=folder / "pairs/pairs.csv",
            chosen=folder / "pairs/chosen.json",
            history=folder / "train/history.csv",
            projector=folder / "train/projector.json",
            results=folder / "evaluation/results.csv",
            correlations=folder / "pairs/correlations.csv",
            samples=folder / "evaluation/samples.json",
            features=folder / "evaluation/features_2d.csv",
            stores=stores,
        )


@dataclass(frozen=True)
class ReportInputs:
    """The sources as tables; an optional one that is absent is empty."""

    pairs: pd.DataFrame
    chosen: dict[str, Any]
    history: pd.DataFrame
    projector: dict[str, Any]
    results: pd.DataFrame
    correlations: pd.DataFrame
    samples: list[dict[str, Any]]
    features: pd.DataFrame
    stores: pd.DataFrame


def read_sources(sources: ReportSources) -> ReportInputs:
    """Reads all sources.

    Raises:
        DataError: a required file is missing, a file is not what it should be, or a column is missing.
    """
    return ReportInputs(
        pairs=_table(sources.pairs, PAIR_COLUMNS, stage="pairs"),
        chosen=_record(sources.chosen, ("vision", "text", "rank_by", "value", "chosen_by"), stage="pairs"),
        history=_table(sources.history, ("step", "train_loss", "learning_rate", "temperature"), stage="train"),
        projector=_record(sources.projector, ("config", "facts"), stage="train"),
        results=_table(sources.results, RESULT_COLUMNS, stage="evaluate"),
        correlations=_table(sources.correlations, ("dataset", "metric", "target", "pearson", "spearman", "n")),
        samples=_samples(sources.samples),
        features=_table(sources.features, ("stage", "modality", "pair", "x", "y")),
        stores=pd.DataFrame(list(sources.stores)),
    )


def _table(path: Path | None, columns: Sequence[str], stage: str | None = None) -> pd.DataFrame:
    """Reads a csv; one without a stage is optional and empty where it is absent."""
    table = _read(path, pd.read_csv, stage)
    if table is None:
        return pd.DataFrame(columns=list(columns))
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing; run the stage that makes it again")
    if stage and table.empty:
        raise DataError(f"{path}: no rows; run the {stage} stage again")
    return table


def _record(path: Path, keys: Sequence[str], stage: str) -> dict[str, Any]:
    record = _read(path, _read_json, stage)
    if not isinstance(record, dict) or not set(keys) <= set(record):
        raise DataError(f"{path}: expected an object with {', '.join(keys)}; run the {stage} stage again")
    return record


def _samples(path: Path | None) -> list[dict[str, Any]]:
    samples = _read(path, _read_json, None)
    if samples is None:
        return []
    if not isinstance(samples, list) or not all(
        isinstance(sample, dict) and set(sample) >= SAMPLE_KEYS for sample in samples
    ):
        raise DataError(f"{path}: expected a list of objects with {', '.join(sorted(SAMPLE_KEYS))}")
    return samples


def _read(path: Path | None, reader: Callable[[Path], Any], stage: str | None) -> Any:
    if path is None or not Path(path).exists():
        if stage is None:
            return None
        raise DataError(f"{path}: missing; run the {stage} stage, which makes it")
    try:
        return reader(Path(path))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read ({reason}); run the stage that makes it again") from error


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
