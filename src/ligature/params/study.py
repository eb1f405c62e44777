"""A complete study: every scientific choice, none about runtime."""

import re
from collections.abc import Iterator

from pydantic import Field, model_validator

from ligature.errors import ParamsError
from ligature.params.base import Block, Name
from ligature.params.captioning import CaptioningParams
from ligature.params.captioning_checks import check_captioning
from ligature.params.curate import AblationParams, CurateParams, DownloadParams, MixParams, SourceParams
from ligature.params.curation_checks import check_curation, sets_to_train_on
from ligature.params.datasets import DatasetParams, kind_of
from ligature.params.encoders import EmbedParams, EncodersParams, check_encoder
from ligature.params.evaluate import EvaluateParams, ReportParams
from ligature.params.matching import MatchingParams
from ligature.params.matching_checks import check_matching
from ligature.params.pairs import PairsParams
from ligature.params.pretraining import PretrainingParams
from ligature.params.pretraining_checks import check_pretraining
from ligature.params.train import SweepParams, TrainParams
from ligature.params.world import WorldParams

CAPTIONS, CLASSES = "captions", "classes"
TRAINED_ON = re.compile(r"train\.datasets|sweep\.(runs\..+\.)?datasets")
"""Keys that may name downloaded sets, too."""


def uses_world(block: Block) -> bool:
    """Whether a path in a block lies in the procedural world."""
    return "{world}" in str(block.model_dump())


class Study(Block):
    """Parameters of a Ligature study. Every block is spelled out, since DVC follows the file and knows no defaults."""

    study: Name
    """Name of the study; its results live in `results/<study>`."""
    world: WorldParams | None
    """The procedural world, for studies that make their own data; null for the others."""
    datasets: dict[Name, DatasetParams] = Field(min_length=1)
    encoders: EncodersParams
    embed: EmbedParams
    pairs: PairsParams
    train: TrainParams
    evaluate: EvaluateParams
    sources: dict[Name, SourceParams]
    """Sources of image addresses with captions; empty for studies without curation."""
    curate: CurateParams | None
    """From pools of captions to a concept-balanced selection; null for studies without it."""
    download: DownloadParams | None
    """Fetching the selected images; null for studies without curation."""
    mixes: dict[Name, MixParams]
    """Downloaded sets that are trained on together."""
    ablation: AblationParams | None
    """The same projector trained on every mix; null for none."""
    sweep: SweepParams | None
    """Other projectors, features and losses on the same data; null for none."""
    matching: MatchingParams | None
    """Matching across unaligned encoders, with no training; null for none."""
    pretraining: PretrainingParams | None
    """CLIP, SharedCLIP and AlignCLIP trained from scratch; null for none."""
    captioning: CaptioningParams | None
    """Vision-language models that differ in their connector, on captioning; null for none."""
    report: ReportParams

    @property
    def ablated(self) -> list[str]:
        """Names of the mixes that the ablation compares; none without it."""
        if self.ablation is None:
            return []
        return self.ablation.mixes or list(self.mixes)

    @property
    def compared(self) -> tuple[list[str], list[str]]:
        """Names of the vision and of the text encoders that pair discovery compares."""
        vision = self.pairs.vision or [encoder.name for encoder in self.encoders.vision]
        return vision, self.pairs.text or [encoder.name for encoder in self.encoders.text]

    @model_validator(mode="after")
    def _references_exist(self) -> "Study":
        downloaded = sets_to_train_on(self)
        for key, name, kinds in self._references():
            if name in downloaded and TRAINED_ON.fullmatch(key):
                continue
            if name not in self.datasets:
                raise ValueError(f"{key}: unknown dataset {name!r}; known: {', '.join(self.datasets)}")
            if kind_of(self.datasets[name]) not in kinds:
                wanted = " or ".join(kinds)
                raise ValueError(f"{key}: dataset {name!r} has {kind_of(self.datasets[name])}, not {wanted}")
        self._check_encoders()
        return self

    def _check_encoders(self) -> None:
        pairs = {f"evaluate.baselines.{baseline.name}": baseline for baseline in self.evaluate.baselines}
        pairs |= {"pairs.choose": self.pairs.choose, "sweep": self.sweep}
        runs = self.sweep.runs if self.sweep else {}
        for key, pair in pairs.items():
            if pair is not None:
                check_encoder(f"{key}.vision", pair.vision, self.encoders.vision)
                check_encoder(f"{key}.text", pair.text, self.encoders.text)
        for side in ("vision", "text"):
            names = getattr(self.pairs, side)
            for name in names or ():
                check_encoder(f"pairs.{side}", name, getattr(self.encoders, side))
            if names and self.pairs.choose and getattr(self.pairs.choose, side) not in names:
                raise ValueError(f"pairs.choose.{side}: {getattr(self.pairs.choose, side)!r} is not among pairs.{side}")
        for name, run in runs.items():
            vision, text = self.sweep.pair(run)
            check_encoder(f"sweep.runs.{name}.vision", vision, self.encoders.vision)
            check_encoder(f"sweep.runs.{name}.text", text, self.encoders.text)

    @model_validator(mode="after")
    def _world_is_there(self) -> "Study":
        blocks = {f"datasets.{name}": dataset for name, dataset in self.datasets.items()}
        blocks |= {f"sources.{name}": source for name, source in self.sources.items()}
        blocks |= {"download": self.download} if self.download else {}
        for key, block in blocks.items():
            if self.world is None and uses_world(block):
                raise ValueError(f"{key}: uses {{world}}, but the study has no world block")
        return self

    @model_validator(mode="after")
    def _curation_fits_together(self) -> "Study":
        check_curation(self)
        return self

    @model_validator(mode="after")
    def _matching_fits_together(self) -> "Study":
        check_matching(self)
        return self

    @model_validator(mode="after")
    def _pretraining_fits_together(self) -> "Study":
        check_pretraining(self)
        return self

    @model_validator(mode="after")
    def _captioning_fits_together(self) -> "Study":
        check_captioning(self)
        return self

    @model_validator(mode="after")
    def _sweep_fits_the_training(self) -> "Study":
        for run in self.sweep.points.values() if self.sweep else ():
            try:
                self.sweep.training(run, self.train)
            except ParamsError as error:
                raise ValueError(str(error)) from error
        return self

    def _references(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yields (key, data set name, what may stand beside its images)."""
        captioned = {
            "pairs.datasets": self.pairs.datasets,
            "pairs.probe.train": [self.pairs.probe.train],
            "pairs.probe.test": [self.pairs.probe.test],
            "train.datasets": self.train.datasets,
            "train.validation": [self.train.validation],
            "evaluate.retrieval": self.evaluate.retrieval,
        }
        labelled = {"evaluate.classification": self.evaluate.classification}
        if self.curate is not None:
            labelled["curate.prototypes.dataset"] = self.curate.prototypes.datasets
            for name in self.curate.decontaminate.datasets:
                yield "curate.decontaminate.datasets", name, (CAPTIONS, CLASSES)
        if self.ablation is not None:
            labelled["ablation.classification"] = self.ablation.classification
            captioned["ablation.retrieval"] = self.ablation.retrieval
        if self.sweep is not None:
            captioned |= {"sweep.datasets": self.sweep.datasets, "sweep.retrieval": self.sweep.retrieval}
            captioned |= {f"sweep.runs.{name}.datasets": run.datasets or [] for name, run in self.sweep.runs.items()}
            labelled["sweep.classification"] = self.sweep.classification
        for kind, references in ((CAPTIONS, captioned), (CLASSES, labelled)):
            yield from ((key, name, (kind,)) for key, names in references.items() for name in names)
        if self.evaluate.segmentation is not None:
            yield from (("evaluate.segmentation", name, ("masks",)) for name in self.evaluate.segmentation.datasets)
        yield from self._recipe_references()

    def _recipe_references(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for encoder in self.encoders.vision:
            if encoder.recipe and encoder.recipe.dataset:
                kinds = (CLASSES,) if encoder.recipe.objective == "supervised" else (CAPTIONS, CLASSES)
                yield f"encoders.{encoder.name}.recipe.dataset", encoder.recipe.dataset, kinds
        for encoder in self.encoders.text:
            if encoder.recipe:
                yield f"encoders.{encoder.name}.recipe.dataset", encoder.recipe.dataset, (CAPTIONS,)
