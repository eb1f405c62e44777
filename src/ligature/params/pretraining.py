"""The `pretraining` block: contrastive training of both encoders from scratch, and how the gap is measured."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ligature.params.base import Block, LocalPath, Name, Positive, Seed
from ligature.params.grid import Value, checked_grid, combinations, point_name

SHARED_PARTS = ("blocks", "norm", "projection")
Sharing = Annotated[
    str,
    StringConstraints(pattern=r"^(none|all|(blocks|norm|projection)(-(blocks|norm|projection))*)$"),
]
"""`none`, `all`, or parts joined by dashes, such as `blocks-norm`."""


def _in_one_message(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError as error:
        raise PydanticCustomError("scale", "give a number above 0, up to 1000, or 'clamped' or 'learned'") from error


Scale = Annotated[
    Literal["clamped", "learned"] | Annotated[float, Field(gt=0, le=1000)], WrapValidator(_in_one_message)
]


class TokenizerParams(Block):
    """The byte-level BPE of the texts."""

    vocabulary: int | None = Field(None, ge=260)
    """Tokens of a vocabulary that is trained on the captions of the training; null where there is a source."""
    source: LocalPath | None = None
    """Local folder or Hub id of a published tokenizer."""
    revision: str | None = None
    """Hub commit."""

    @model_validator(mode="after")
    def _trained_or_published(self) -> "TokenizerParams":
        if (self.vocabulary is None) == (self.source is None):
            raise ValueError("give exactly one of vocabulary and source")
        if self.source is None and self.revision is not None:
            raise ValueError(f"revision {self.revision!r} is a commit of a source's; remove it, or name the source")
        return self


class TowersParams(Block):
    """The two towers; what is shared between them is a setting of every run."""

    image_size: Positive
    """Side of the square input in pixels."""
    patch_size: Positive
    """Side of a patch in pixels."""
    width: Positive
    """Width of the image tower."""
    layers: Positive
    """Blocks of the image tower."""
    heads: Positive
    """Attention heads of the image tower."""
    text_width: Positive | None = None
    """Width of the text tower; that of the image tower where null. Towers that share something have one width."""
    text_layers: Positive | None = None
    """Blocks of the text tower; those of the image tower where null."""
    text_heads: Positive | None = None
    """Attention heads of the text tower; those of the image tower where null."""
    embed_dim: int = Field(ge=2)
    """Width of the joint space."""
    context_length: int = Field(77, ge=3)
    """Longest text in tokens, its start and end included; longer ones are cut before their end token, and counted."""

    @model_validator(mode="after")
    def _sizes_divide(self) -> "TowersParams":
        if self.image_size % self.patch_size:
            raise ValueError(f"patch_size {self.patch_size} does not divide image_size {self.image_size}")
        for prefix in ("", "text_"):
            width = getattr(self, f"{prefix}width") or self.width
            heads = getattr(self, f"{prefix}heads") or self.heads
            if width % heads:
                raise ValueError(f"{prefix}heads {heads} does not divide {prefix}width {width}")
        return self


class PretrainingRun(Block):
    """One variant: what the towers share, and the loss."""

    sharing: Sharing = "none"
    """What both towers share: `none` is CLIP, `all` is SharedCLIP; `blocks`, `norm` (the last one) and `projection`."""
    separation: Literal["none", "image", "text", "both"] = "none"
    """Modalities whose samples are pushed apart (AlignCLIP)."""
    rescaling: Literal["cosine", "exponent", "none"] = "cosine"
    """What the semantic distance of two captions does to their separation: multiplies their cosine, as published;
    weighs their term of the softmax; or nothing."""
    objective: Literal["published", "halved"] = "published"
    """With separation, `published` adds up both directions of the contrastive loss, `halved` takes their mean, as CLIP
    does. Without separation it is the mean in either case."""
    alpha: float = Field(1.0, gt=0)
    """Weight of the contrastive loss."""
    beta: float | None = Field(None, gt=0)
    """Weight of the separation; 0.5, as published, where null."""
    logit_scale: Scale = "clamped"
    """One over the temperature: a number keeps it there; `clamped` learns it from 1/0.07 on, between 1 and 100, as
    published; `learned` does so without bounds."""

    @model_validator(mode="after")
    def _separation_settings_have_an_effect(self) -> "PretrainingRun":
        if self.separation == "none":
            unused = [key for key in ("rescaling", "objective", "beta") if key in self.model_fields_set]
            unused = [key for key in unused if getattr(self, key) != type(self).model_fields[key].default]
            if unused:
                raise ValueError(
                    f"{unused[0]} has no effect with separation 'none'; remove it, or separate image, text or both"
                )
        return self

    @property
    def semantic(self) -> bool:
        """Whether semantic vectors of the captions are needed."""
        return self.separation != "none" and self.rescaling != "none"

    @property
    def shared(self) -> tuple[str, ...]:
        """The shared parts, of ``SHARED_PARTS``, in their order."""
        parts = SHARED_PARTS if self.sharing == "all" else self.sharing.split("-")
        return tuple(part for part in SHARED_PARTS if part in parts)


GRID_KEYS = {key: TypeAdapter(Annotated[field.annotation, field]) for key, field in PretrainingRun.model_fields.items()}
"""Keys of a grid, with what their values must be."""


class LinearProbeParams(Block):
    """A linear classifier on the frozen image features."""

    train: Name
    """Labelled data set that it learns from."""
    test: Name
    """Labelled data set, of the same classes, on which it is measured."""
    penalties: list[Annotated[float, Field(gt=0)]] = Field(default=[0.01, 0.1, 1.0, 10.0, 100.0], min_length=1)
    """Inverse strengths of the L2 penalty; the best on a held-out fifth of the training images is taken."""


class PretrainingParams(Block):
    """CLIP, SharedCLIP and AlignCLIP trained from scratch on image-text pairs."""

    datasets: list[Name] = Field(default_factory=list)
    """Data sets, or downloaded sets of `mixes`, to train on; empty where a mix is named. The captions of an image of a
    labelled data set are the prompts of its class: the set's `templates` with the class name."""
    mix: Name | None = None
    """Mix to train on, with its weights."""
    validation: Name
    """Captioned data set on which the gap is measured during training."""
    semantics: Name | None = None
    """Text encoder whose vectors say how far apart two captions are; needed where a run rescales."""
    tokenizer: TokenizerParams
    towers: TowersParams
    crop: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.9, 1.0], min_length=2, max_length=2)
    """Least and largest share of an image's area in a random crop."""
    epochs: Positive
    """Passes over the images; each takes one of its captions at random."""
    batch_size: int = Field(ge=2)
    """Image-text pairs a step; every other pair is a negative."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak learning rate of AdamW."""
    min_learning_rate: float = Field(0.0, ge=0)
    """Learning rate of the first and the last step."""
    warmup_steps: int = Field(0, ge=0)
    """Steps of linear warm-up."""
    weight_decay: float = Field(0.1, ge=0)
    """Weight decay of matrices; none on biases, norms and the temperature."""
    beta2: float = Field(0.98, gt=0, lt=1)
    """Second coefficient of AdamW."""
    eps: float = Field(1e-6, gt=0)
    """Added to AdamW's denominator."""
    gap_every_epochs: Positive = 1
    """Epochs between two measures of the gap."""
    seeds: list[Seed] = Field(min_length=1)
    """One training a seed and run."""
    classification: list[Name] = Field(default_factory=list)
    """Data sets with class names on which every training is measured, shifted ones among them."""
    retrieval: list[Name] = Field(min_length=1)
    """Captioned data sets on which every training is measured."""
    probe: LinearProbeParams | None = None
    """Linear probe of the image features; null for none."""
    grid: dict[str, list[Any]] = Field(
        default_factory=dict, json_schema_extra={"propertyNames": {"enum": list(GRID_KEYS)}}
    )
    """Values by key, such as `sharing: [none, all]`: every combination is a run of its own."""
    runs: dict[Name, PretrainingRun] = Field(default_factory=dict)
    """Runs by name, beside those of the grid."""

    @field_validator("grid")
    @classmethod
    def _values_of_the_grid(cls, grid: dict[str, list[Any]]) -> dict[str, list[Value]]:
        return checked_grid(grid, GRID_KEYS)

    @model_validator(mode="after")
    def _values_fit(self) -> "PretrainingParams":
        if bool(self.datasets) == (self.mix is not None):
            raise ValueError("give exactly one of datasets and mix")
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(f"min_learning_rate {self.min_learning_rate} is above learning_rate {self.learning_rate}")
        if self.crop[0] > self.crop[1]:
            raise ValueError(f"crop: {self.crop[0]} is above {self.crop[1]}")
        for key in ("datasets", "seeds"):
            if len(set(getattr(self, key))) < len(getattr(self, key)):
                raise ValueError(f"{key}: {getattr(self, key)} names one twice")
        if not self.points:
            raise ValueError("nothing runs; name a run, or give a grid")
        self._check_runs()
        return self

    def _check_runs(self) -> None:
        towers = self.towers
        for name, run in self.points.items():
            if run.semantic and self.semantics is None:
                raise ValueError(f"semantics: run {name!r} rescales by semantic distance; name a text encoder")
            for key in ("width", "layers", "heads"):
                if run.sharing != "none" and getattr(towers, f"text_{key}") not in (None, getattr(towers, key)):
                    raise ValueError(f"towers.text_{key}: run {name!r} shares {run.sharing}, so both towers are alike")

    @property
    def points(self) -> dict[str, PretrainingRun]:
        """Every run by its name: those of ``runs``, then those of the grid, without combinations that repeat one.

        In a grid, settings of the separation stand only where there is one.
        """
        points = dict(self.runs)
        for point in combinations(self.grid):
            point = _with_effect(point)
            points.setdefault(point_name(point), PretrainingRun.model_validate(point))
        return points


def _with_effect(point: Mapping[str, Value]) -> dict[str, Value]:
    """Returns a combination without the settings of a separation that it does not have."""
    if point.get("separation", "none") != "none":
        return dict(point)
    return {key: value for key, value in point.items() if key not in ("rescaling", "objective", "beta")}
