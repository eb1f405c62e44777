"""The blocks of curation: pool sources, selection by concept, download, mixes and their ablation."""

from typing import Literal

from pydantic import Field, model_validator

from ligature.params.base import Block, Fraction, LocalPath, Name, Positive, Seed


class SampleParams(Block):
    """A random sample of the rows of a source."""

    rows: Positive
    """Number of rows; all where there are fewer."""
    seed: Seed = 0
    """Seed of the draw; with one seed a smaller sample is part of a larger one."""


class SourceParams(Block):
    """A source of image addresses with captions."""

    format: Literal["laion", "cc3m", "cc12m", "sbu", "coco", "pixmo-cap", "localized-narratives"]
    """`laion`: metadata parquet; `cc3m`: caption, tab, url; `cc12m`: url, tab, caption; `sbu`, `coco`: their json;
    `pixmo-cap`: parquet of image_url and caption; `localized-narratives`: lines of json. The captions of the last two
    are long: set `max_characters`."""
    files: LocalPath | None = None
    """Local files; `{part}` stands for the five digits of the part."""
    resource: str | None = None
    """`NAME@VERSION` of a row of `workflow/resources/sources.csv`, fetched by the workflow; instead of `files`."""
    parts: Positive = 1
    """Number of files."""
    slices: Positive = 1
    """Contiguous slices of every file that are worked on by separate jobs."""
    sample: SampleParams | None = None
    """Draws exactly so many of the rows that are wanted and no duplicates; null for all of them."""
    max_characters: Positive | None = None
    """Longest caption, in place of that of `filters`; null for that."""

    @model_validator(mode="after")
    def _somewhere(self) -> "SourceParams":
        if (self.files is None) == (self.resource is None):
            raise ValueError("give exactly one of files and resource")
        if self.files is not None and self.parts > 1 and "{part}" not in self.files:
            raise ValueError(f"files {self.files!r} must contain {{part}}, since there are {self.parts} parts")
        return self

    @property
    def jobs(self) -> int:
        """Number of jobs: slices of all files."""
        return self.parts * self.slices


class FilterParams(Block):
    """Which rows of a source are wanted; a row whose source does not know a value passes that filter."""

    min_characters: int = Field(0, ge=0)
    """Shortest caption."""
    max_characters: Positive = 1000
    """Longest caption."""
    min_words: int = Field(0, ge=0)
    """Fewest words of a caption."""
    languages: list[str] | None = None
    """Codes such as `en` of the languages wanted, told by py3langid; all by default."""
    max_nsfw: Fraction = 1.0
    """Largest probability of unsafe content; LAION's tags count as 0, 0.5 and 1."""
    max_watermark: Fraction = 1.0
    """Largest probability of a watermark."""
    min_image_side: int = Field(0, ge=0)
    """Shortest side in pixels, as the source states it."""
    max_aspect: float | None = Field(None, ge=1)
    """Largest ratio of the sides, as the source states them."""
    min_similarity: float | None = None
    """Lowest image-text similarity that the source states."""


class DuplicateParams(Block):
    """What counts as a duplicate; of equals the row with the smallest uid stays."""

    url: bool = True
    """Rows with one address."""
    caption: bool = True
    """Rows whose captions agree but for case, spaces and punctuation."""
    semantic: float | None = Field(None, gt=0, lt=1)
    """Selected captions with a cosine above one minus this (SemDeDup's epsilon); null: none."""
    image_bits: int | None = Field(None, ge=0, le=32)
    """Downloaded images whose perceptual hashes differ in at most so many of 192 bits; null: none."""


class DecontaminateParams(Block):
    """Rows that stand in evaluation sets and must not be trained on."""

    datasets: list[Name] = Field(default_factory=list)
    """Evaluation data sets of the study."""
    captions: bool = True
    """Drop rows whose normalised caption is one of theirs."""
    cosine: float | None = Field(None, gt=0, le=1)
    """Drop captions with a cosine to one of theirs at or above this; null: none."""
    image_bits: int | None = Field(None, ge=0, le=32)
    """Drop downloaded images within so many of 192 bits of one of theirs; null: none."""


class PrototypeParams(Block):
    """One vector a concept: the mean of a few images, or of prompts."""

    dataset: Name | list[Name]
    """Data set with classes, or several one after the other: names, images and prompt templates of the concepts."""
    kind: Literal["images", "prompts"] = "images"
    """What is averaged."""
    shots: Positive = 128
    """Images a concept, chosen by seed."""
    seed: Seed = 0
    """Seed of the choice."""

    @model_validator(mode="after")
    def _datasets_differ(self) -> "PrototypeParams":
        if not self.datasets or len(set(self.datasets)) < len(self.datasets):
            raise ValueError("dataset: name at least one data set, and none twice")
        return self

    @property
    def datasets(self) -> list[str]:
        """The data sets, also where there is only one."""
        return self.dataset if isinstance(self.dataset, list) else [self.dataset]


class ScorerParams(Block):
    """An encoder pair that is aligned as it comes, such as the two sides of CLIP."""

    vision: Name
    """A vision encoder of the study."""
    text: Name
    """A text encoder of the study with the same width."""


class CurateParams(Block):
    """From pools of captions to a concept-balanced selection."""

    pool: list[Name] = Field(min_length=1)
    """Sources to select from."""
    captioned: list[Name] = Field(default_factory=list)
    """Sources that are used whole."""
    filters: FilterParams
    duplicates: DuplicateParams
    decontaminate: DecontaminateParams
    prototypes: PrototypeParams
    scorer: ScorerParams | None = None
    """The encoders that score captions against prototypes; null: the study's own trained pair."""
    k: Positive
    """Best captions kept for every concept while scoring."""
    quota: Positive
    """Rows a concept."""
    over_collect: float = Field(1.0, ge=1)
    """Times the quota that is selected, to make up for dead links."""
    order: Literal["rarest", "mean", "capped"] = "rarest"
    """Which concept chooses first: by its last score, or by its mean; `capped` lets rows match several concepts."""
    min_score: float | None = Field(None, ge=-1, le=1)
    """Lowest cosine that counts as a match."""
    backfill: bool = True
    """Let a concept that falls short take rows from concepts that can replace them."""
    fan_in: int = Field(8, ge=2)
    """States merged by one job."""
    seed: Seed = 0
    """Seed of the random subset that stands beside the selection."""


class DownloadParams(Block):
    """Fetching the selected images."""

    server: LocalPath | None = None
    """Folder of a rendered web that a local server answers from; null: the network."""
    chunks: Positive = 1
    """Jobs a set of rows."""
    image_size: Positive = 256
    """Shortest side of the stored images; smaller ones keep their size."""
    timeout: Positive = 10
    """Seconds an answer may take, from first to last byte."""
    max_bytes: Positive = 20_000_000
    """Largest answer."""
    retries: int = Field(1, ge=0)
    """Further tries in the same run."""
    min_image_side: Positive = 16
    """Shortest side of a picture worth keeping."""
    min_success: Fraction = 0.0
    """Smallest share of rows that must arrive, else the job fails."""


class MixParams(Block):
    """Downloaded sets that are trained on together."""

    sets: list[Name] = Field(min_length=1)
    """`collected`, `random`, or names of captioned sources."""
    weights: Literal["proportional", "equal"] | list[float] = "proportional"
    """Shares of the sets in an epoch: by size, the same for all, or given."""

    @model_validator(mode="after")
    def _weights_fit(self) -> "MixParams":
        given = self.weights if isinstance(self.weights, list) else [1.0] * len(self.sets)
        if len(given) != len(self.sets) or min(given) <= 0:
            raise ValueError(f"weights: {len(self.sets)} positive numbers are needed, one a set")
        if len(set(self.sets)) < len(self.sets):
            raise ValueError("sets: a set stands twice")
        return self


class AblationParams(Block):
    """The same projector trained on every mix, from pooled embeddings whatever the mode of `train`."""

    seeds: list[Seed] = Field(min_length=1)
    """One training each."""
    steps: Positive
    """Optimiser steps of every training, whatever the size of the mix."""
    mixes: list[Name] | None = Field(None, min_length=1)
    """Mixes that are compared; null for all."""
    classification: list[Name] = Field(default_factory=list)
    """Data sets with class folders."""
    retrieval: list[Name] = Field(default_factory=list)
    """Captioned data sets."""
