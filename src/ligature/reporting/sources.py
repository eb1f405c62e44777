"""What the page is made from: files of the earlier stages, read and checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.data.files import safe_join
from ligature.errors import DataError
from ligature.reporting.captioning.sources import CaptioningInputs, CaptioningSources, read_captioning
from ligature.reporting.curation_sources import CurationInputs, CurationSources, read_curation
from ligature.reporting.matching.sources import MatchingInputs, MatchingSources, read_matching
from ligature.reporting.pretraining.sources import PretrainingInputs, PretrainingSources, read_pretraining
from ligature.reporting.readers import read_objects, read_record, read_results, read_table, read_typed_table

PAIR_COLUMNS = (
    *("dataset", "vision", "text", "n", "vision_dim", "text_dim", "cka_biased", "cka_debiased", "cka_ci_low"),
    *("cka_ci_high", "cka_null_mean", "cka_null_sd", "cka_z", "cka_p", "cka_rbf", "mutual_knn"),
)
COST_NUMBERS = ("image_bytes", "caption_bytes", "image_vectors", "image_flops")
CLASS_SHARES = ("pixel_share", "published_iou", "published_iou_everything", "standard_iou")
OVERLAY_KEYS = {"dataset", "id", "file", "classes", "predicted", "colours"}
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
        sweep: csv of result rows of the sweep, the model being the run.
        costs: csv, one row a kind of features: bytes and operations an image and a caption.
        segmentation: csv of result rows of zero-shot segmentation.
        classes: csv, one row a class that was segmented.
        overlays: json, index of the pictures of masks, their files named from its own folder.
        curation: what the stages of curation leave.
        matching: what matching without training leaves.
        pretraining: what contrastive pre-training leaves.
        captioning: what connectors and their captions leave.
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
    sweep: Path | None = None
    costs: Path | None = None
    segmentation: Path | None = None
    classes: Path | None = None
    overlays: Path | None = None
    curation: CurationSources = field(default_factory=CurationSources)
    matching: MatchingSources = field(default_factory=MatchingSources)
    pretraining: PretrainingSources = field(default_factory=PretrainingSources)
    captioning: CaptioningSources = field(default_factory=CaptioningSources)

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
            sweep=folder / "sweep/results.csv",
            costs=folder / "sweep/costs.csv",
            segmentation=folder / "segmentation/results.csv",
            classes=folder / "segmentation/classes.csv",
            overlays=folder / "segmentation/overlays.json",
            curation=CurationSources.in_folder(folder),
            matching=MatchingSources.in_folder(folder),
            pretraining=PretrainingSources.in_folder(folder),
            captioning=CaptioningSources.in_folder(folder),
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
    sweep: pd.DataFrame
    costs: pd.DataFrame
    segmentation: pd.DataFrame
    classes: pd.DataFrame
    overlays: list[dict[str, Any]]
    curation: CurationInputs
    matching: MatchingInputs
    pretraining: PretrainingInputs
    captioning: CaptioningInputs


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
        results=read_results(sources.results, stage="evaluate"),
        correlations=read_table(sources.correlations, ("dataset", "metric", "target", "pearson", "spearman", "n")),
        samples=read_objects(sources.samples, SAMPLE_KEYS),
        features=read_table(sources.features, ("stage", "modality", "pair", "x", "y")),
        stores=pd.DataFrame(list(sources.stores)),
        sweep=read_results(sources.sweep),
        costs=read_typed_table(sources.costs, ["mode"], COST_NUMBERS),
        segmentation=read_results(sources.segmentation),
        classes=read_typed_table(sources.classes, ["dataset", "class"], ["images"], CLASS_SHARES),
        overlays=_overlays(sources.overlays),
        curation=read_curation(sources.curation),
        matching=read_matching(sources.matching),
        pretraining=read_pretraining(sources.pretraining),
        captioning=read_captioning(sources.captioning),
    )


def _overlays(path: Path | None) -> list[dict[str, Any]]:
    """Reads the index of overlays; their files become paths.

    Raises:
        DataError: an entry is not what it should be, or its file lies outside the folder of the index.
    """
    entries = read_objects(path, OVERLAY_KEYS)
    for entry in entries:
        lists = (entry["classes"], entry["predicted"])
        if not isinstance(entry["colours"], dict) or not all(_are_texts(names) for names in lists):
            raise DataError(f"{path}: expected lists of class names, and their colours by name; run segment again")
    return [entry | {"file": safe_join(Path(path).parent, str(entry["file"]), Path(path))} for entry in entries]


def _are_texts(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
