"""The `train` block: the projector between the two frozen encoders and its training."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, ValidationInfo, field_validator, model_validator

from ligature.errors import ParamsError
from ligature.params.base import Block, Name, Positive, Seed
from ligature.params.grid import Value, checked_grid, combinations, point_name

VisionBranch = Literal["token", "mlp", "linear", "gated", "identity", "none"]
TextBranch = Literal["token", "mlp", "linear", "gated", "identity"]
Mode = Literal["pooled", "regions", "tokens", "tokens-int8", "images"]


class AssemblyParams(Block):
    """Which block stands on which branch, and how tokens become one vector."""

    vision_local: VisionBranch = "token"
    """Block of the patch tokens, or of their mean in pooled mode."""
    vision_cls: VisionBranch = "token"
    """Block of the CLS token; `none` for encoders without one."""
    text_local: TextBranch = "token"
    """Block of the text tokens, or of their mean in pooled mode."""
    text_global: TextBranch = "mlp"
    """Block of the pooled text."""
    vision_pooling: Literal["mean", "max"] = "mean"
    """How projected patch tokens become one vector."""
    text_pooling: Literal["mean", "max", "cls"] = "mean"
    """How projected text tokens become one vector; `cls` takes the first."""


class ProjectorParams(AssemblyParams):
    """Blocks of the projector (freeze-align, section on projectors)."""

    embed_dim: Positive
    """Width of the joint space."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout inside the blocks."""
    temperature: float = Field(0.07, ge=0.001, le=0.5)
    """Initial temperature of the contrastive loss."""


class LossParams(Block):
    """The contrastive loss."""

    kind: Literal["infonce", "siglip"] = "infonce"
    """`infonce`: softmax over the negatives, both ways (CLIP); `siglip`: a sigmoid for every pair."""
    negatives: Literal["global", "local"] = "global"
    """`global`: all other pairs of the batch; `local`: those of the same group, as where features are not gathered."""
    group: int | None = Field(None, ge=2)
    """Pairs of a group of local negatives; it divides the batch."""

    @model_validator(mode="after")
    def _group_of_local_negatives(self) -> "LossParams":
        if (self.negatives == "local") != (self.group is not None):
            raise ValueError("negatives 'local' takes a group, 'global' takes none")
        return self


class TrainParams(Block):
    """Training of the projector."""

    datasets: list[Name] = Field(min_length=1)
    """Captioned data sets to train on, one after the other in one shuffled set; with a `curate.scorer` also sets of
    `mixes`, which are downloaded first."""
    validation: Name
    """Captioned data set on which retrieval is measured during training."""
    mode: Mode
    """`pooled`: one or two stored vectors an image; `regions`: means of a grid of patches; `tokens`: every token, as
    published, stored in 16 or (`tokens-int8`) 8 bits; `images`: every token, encoded anew at every step."""
    projector: ProjectorParams
    loss: LossParams = LossParams()
    epochs: Positive
    """Passes over the images; each takes one of its captions at random."""
    batch_size: int = Field(ge=2)
    """Image-text pairs a step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak learning rate of AdamW."""
    min_learning_rate: float = Field(1e-5, ge=0)
    """Learning rate at the end of the cosine."""
    warmup_steps: int = Field(0, ge=0)
    """Steps of linear warm-up."""
    weight_decay: float = Field(0.02, ge=0)
    """Weight decay of matrices; none on biases, norms and the temperature."""
    seed: Seed = 0
    """Seed of weights, data order, captions and dropout."""

    @model_validator(mode="after")
    def _values_fit(self) -> "TrainParams":
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(f"min_learning_rate {self.min_learning_rate} is above learning_rate {self.learning_rate}")
        if self.loss.group and self.batch_size % self.loss.group:
            raise ValueError(f"loss.group {self.loss.group} does not divide batch_size {self.batch_size}")
        return self


class SweepRun(AssemblyParams):
    """One training of a sweep: the projector, features and loss are as published where they are not given."""

    mode: Mode = "pooled"
    """As in `train`."""
    loss: LossParams = LossParams()
    vision: Name | None = None
    """Vision encoder in place of the sweep's."""
    text: Name | None = None
    """Text encoder in place of the sweep's."""
    datasets: list[Name] | None = Field(None, min_length=1)
    """Captioned data sets to train on in place of the sweep's."""
    variants: bool = False
    """Whether prompt sets, translations and descriptions of the data sets are measured too."""
    steps: Positive | None = None
    """Steps in place of the sweep's."""
    batch_size: int | None = Field(None, ge=2)
    """Image-text pairs a step in place of the sweep's."""
    embed_dim: Positive | None = None
    """Width of the joint space in place of the sweep's."""
    learning_rate: float | None = Field(None, gt=0)
    """Peak learning rate in place of the one of `train`."""
    min_learning_rate: float | None = Field(None, ge=0)
    """Learning rate at the end in place of the one of `train`."""
    warmup_steps: int | None = Field(None, ge=0)
    """Steps of warm-up; those of `train`, but a tenth of all steps at most, where not given."""
    weight_decay: float | None = Field(None, ge=0)
    """Weight decay in place of the one of `train`."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout inside the blocks in place of the one of `train`."""
    temperature: float | None = Field(None, ge=0.001, le=0.5)
    """Initial temperature in place of the one of `train`."""

    @property
    def changed(self) -> list[str]:
        """Names of what this run sets in place of what the sweep or `train` says, beside blocks, mode and loss."""
        fields = type(self).model_fields
        return [name for name, field in fields.items() if field.default is None and getattr(self, name) is not None]

    @classmethod
    def at(cls, point: Mapping[str, Value]) -> "SweepRun":
        """Returns the run at one combination of a grid."""
        nested = {key.removeprefix("projector."): value for key, value in point.items() if not key.startswith("loss.")}
        loss = {key.removeprefix("loss."): value for key, value in point.items() if key.startswith("loss.")}
        return cls.model_validate(nested | ({"loss": loss} if loss else {}))


def _types(block: type[Block], names: Iterable[str], prefix: str = "") -> dict[str, TypeAdapter]:
    """Returns what the values of some keys of a block must be."""
    fields = {f"{prefix}{name}": block.model_fields[name] for name in names}
    return {key: TypeAdapter(Annotated[field.annotation, field]) for key, field in fields.items()}


GRID_KEYS = {
    **_types(TrainParams, ["mode", "learning_rate", "min_learning_rate", "warmup_steps", "weight_decay", "batch_size"]),
    **dict.fromkeys(["steps", "embed_dim"], TypeAdapter(Positive)),
    **_types(ProjectorParams, [*AssemblyParams.model_fields, "dropout", "temperature"], "projector."),
    **_types(LossParams, LossParams.model_fields, "loss."),
}
"""Keys of a grid, named as in `train`, with what their values must be."""


class SweepParams(Block):
    """The same training with other projectors, features and losses, over several seeds."""

    vision: Name
    """Vision encoder, with a CLS token where a run has a block for it."""
    text: Name
    """Text encoder."""
    datasets: list[Name] = Field(min_length=1)
    """Captioned data sets to train on, where a run names none."""
    classification: list[Name] = Field(default_factory=list)
    """Data sets with class names on which every training is measured."""
    retrieval: list[Name] = Field(min_length=1)
    """Captioned data sets on which every training is measured."""
    seeds: list[Seed] = Field(min_length=1)
    """One training a seed and run."""
    steps: Positive
    """Steps of every training; what is not named here is as in `train`."""
    batch_size: int = Field(ge=2)
    """Image-text pairs a step."""
    embed_dim: Positive
    """Width of the joint space; that of the encoders, where a run leaves them as they are."""
    grid: dict[str, list[Any]] = Field(
        default_factory=dict, json_schema_extra={"propertyNames": {"enum": list(GRID_KEYS)}}
    )
    """Values by key, such as `learning_rate: [0.001, 0.0003]` or `projector.dropout: [0.0, 0.3]`: every combination is
    a run of its own, with the results in `sweep/learning_rate~0.001/projector.dropout~0.0/`."""
    runs: dict[Name, SweepRun] = Field(default_factory=dict, validate_default=True)
    """Runs by name, beside those of the grid."""

    @field_validator("grid")
    @classmethod
    def _values_of_the_grid(cls, grid: dict[str, list[Any]]) -> dict[str, list[Value]]:
        return checked_grid(grid, GRID_KEYS)

    @field_validator("runs")
    @classmethod
    def _something_runs(cls, runs: dict[str, SweepRun], info: ValidationInfo) -> dict[str, SweepRun]:
        if not runs and not info.data.get("grid", True):
            raise ValueError("got {}; name a run, or give the sweep a grid")
        return runs

    @model_validator(mode="after")
    def _groups_divide_the_batch(self) -> "SweepParams":
        for name, run in self.points.items():
            batch_size = run.batch_size or self.batch_size
            if run.loss.group and batch_size % run.loss.group:
                where = f"runs.{name}." if name in self.runs else f"grid: {name}: "
                raise ValueError(f"{where}loss.group {run.loss.group} does not divide batch_size {batch_size}")
        return self

    @property
    def combinations(self) -> dict[str, dict[str, Value]]:
        """The combinations of the grid by the names of their runs."""
        return {point_name(point): point for point in combinations(self.grid)}

    @property
    def points(self) -> dict[str, SweepRun]:
        """Every run by its name: those of ``runs``, then those of the grid.

        Raises:
            ValueError: naming a combination that is none.
        """
        return self.runs | {name: _run_at(name, point) for name, point in self.combinations.items()}

    def pair(self, run: SweepRun) -> tuple[str, str]:
        """Returns the names of the vision and the text encoder of a run."""
        return run.vision or self.vision, run.text or self.text

    def training(self, run: SweepRun, train: TrainParams) -> TrainParams:
        """Returns the whole training of a run; its epochs are its steps.

        Raises:
            ParamsError: when what the run sets does not go together with the rest of `train`.
        """
        steps = run.steps or self.steps
        warmup_steps = min(train.warmup_steps, steps // 10)
        sizes = {"datasets": self.datasets, "batch_size": self.batch_size, "epochs": steps}
        values = train.model_dump() | sizes | {"warmup_steps": warmup_steps}
        projector = values["projector"] | {"embed_dim": self.embed_dim}
        given = run.model_dump(exclude_none=True)
        values = {key: given.get(key, value) for key, value in values.items()}
        values["projector"] = {key: given.get(key, value) for key, value in projector.items()}
        try:
            return TrainParams.model_validate(values)
        except ValidationError as error:
            raise ParamsError(f"sweep: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from error


def _run_at(name: str, point: Mapping[str, Value]) -> SweepRun:
    try:
        return SweepRun.at(point)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"grid: {name}: {message}") from error
