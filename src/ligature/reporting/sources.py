"""What the page is made from: files of the earlier stages, read and checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.reporting.curation_sources import CurationInputs, CurationSources, read_curation
from ligature.reporting.readers import read_objects, read_record, read_table

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
        curation: what the stages of curation leave.
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
    curation: CurationSources = field(default_factory=CurationSources)

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
            curation=CurationSources.in_folder(folder),
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
    curation: CurationInputs


def read_sources(sources: ReportSources) -> ReportInputs:
    """Reads all sources.

    Raises:
        DataError: a required file is missing, a file is not what it should be, or a column is missing.
    """
    return ReportInputs(
        pairs=read_table(sources.pairs, PAIR_COLUMNS, stage="pairs"),
        chosen=read_record(sources.chosen, ("vision", "text", "rank_by", "value", "chosen_by"), stage="pairs"),
        history=read_table(sources.history, ("step", "train_loss", "learning_rate", "temperature"), stage="train"),
        projector=read_record(sources.projector, ("config", "facts"), stage="train"),
        results=read_table(sources.results, RESULT_COLUMNS, stage="evaluate"),
        correlations=read_table(sources.correlations, ("dataset", "metric", "target", "pearson", "spearman", "n")),
        samples=read_objects(sources.samples, SAMPLE_KEYS),
        features=read_table(sources.features, ("stage", "modality", "pair", "x", "y")),
        stores=pd.DataFrame(list(sources.stores)),
        curation=read_curation(sources.curation),
    )
