"""The `train` block: the projector between the two frozen encoders and its training."""

from typing import Literal

from pydantic import Field, model_validator

from ligature.params.base import Block, Name, Positive, Seed

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
    """Captioned data sets to train on, one after the other in one shuffled set."""
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
    """One training of a sweep: what is not given is as published."""

    mode: Mode = "pooled"
    """As in `train`."""
    loss: LossParams = LossParams()
    datasets: list[Name] | None = Field(None, min_length=1)
    """Captioned data sets to train on in place of the sweep's."""


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
    runs: dict[Name, SweepRun] = Field(min_length=1)

    @model_validator(mode="after")
    def _groups_divide_the_batch(self) -> "SweepParams":
        for name, run in self.runs.items():
            if run.loss.group and self.batch_size % run.loss.group:
                raise ValueError(
                    f"runs.{name}.loss.group {run.loss.group} does not divide batch_size {self.batch_size}"
                )
        return self
