"""A complete study: every scientific choice, none about runtime."""

from collections.abc import Iterator

from pydantic import Field, model_validator

from ligature.params.base import Block, Name
from ligature.params.curate import AblationParams, CurateParams, DownloadParams, MixParams, SourceParams
from ligature.params.curation_checks import check_curation
from ligature.params.datasets import DatasetParams, ImageFoldersDataset
from ligature.params.encoders import EmbedParams, EncodersParams, check_encoder
from ligature.params.evaluate import EvaluateParams, ReportParams
from ligature.params.pairs import PairsParams
from ligature.params.train import TrainParams
from ligature.params.world import WorldParams


def uses_world(block: Block) -> bool:
    """Whether a path in a block lies in the procedural world."""
    return any("{world}" in str(value) for value in block.model_dump().values())


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
    report: ReportParams

    @model_validator(mode="after")
    def _references_exist(self) -> "Study":
        for key, name, captioned in self._references():
            if name not in self.datasets:
                raise ValueError(f"{key}: unknown dataset {name!r}; known: {', '.join(self.datasets)}")
            if captioned is not None and captioned == isinstance(self.datasets[name], ImageFoldersDataset):
                kind = "captions" if captioned else "class folders"
                raise ValueError(f"{key}: dataset {name!r} has no {kind}")
        if self.pairs.choose is not None:
            check_encoder("pairs.choose.vision", self.pairs.choose.vision, self.encoders.vision)
            check_encoder("pairs.choose.text", self.pairs.choose.text, self.encoders.text)
        return self

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

    def _references(self) -> Iterator[tuple[str, str, bool | None]]:
        """Yields (key, data set name, whether it must have captions; None where either will do)."""
        for name in self.pairs.datasets:
            yield "pairs.datasets", name, True
        yield "pairs.probe.train", self.pairs.probe.train, True
        yield "pairs.probe.test", self.pairs.probe.test, True
        for name in self.train.datasets:
            yield "train.datasets", name, True
        yield "train.validation", self.train.validation, True
        for name in self.evaluate.classification:
            yield "evaluate.classification", name, False
        for name in self.evaluate.retrieval:
            yield "evaluate.retrieval", name, True
        if self.curate is not None:
            yield "curate.prototypes.dataset", self.curate.prototypes.dataset, False
            for name in self.curate.decontaminate.datasets:
                yield "curate.decontaminate.datasets", name, None
        if self.ablation is not None:
            for name in self.ablation.classification:
                yield "ablation.classification", name, False
            for name in self.ablation.retrieval:
                yield "ablation.retrieval", name, True
        for encoder in self.encoders.vision:
            if encoder.recipe and encoder.recipe.dataset:
                supervised = encoder.recipe.objective == "supervised"
                yield (
                    f"encoders.{encoder.name}.recipe.dataset",
                    encoder.recipe.dataset,
                    False if supervised else None,
                )
        for encoder in self.encoders.text:
            if encoder.recipe:
                yield f"encoders.{encoder.name}.recipe.dataset", encoder.recipe.dataset, True
