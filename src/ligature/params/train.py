"""The `train` block: the projector between the two frozen encoders and its training."""

from typing import Literal

from pydantic import Field, model_validator

from ligature.params.base import Block, Name, Positive, Seed

VisionBranch = Literal["token", "mlp", "linear", "identity", "none"]
TextBranch = Literal["token", "mlp", "linear", "identity"]


class ProjectorParams(Block):
    """Blocks of the projector (freeze-align, section on projectors)."""

    embed_dim: Positive
    """Width of the joint space."""
    vision_local: VisionBranch = "token"
    """Block of the patch tokens, or of their mean in pooled mode."""
    vision_cls: VisionBranch = "token"
    """Block of the CLS token; `none` for encoders without one."""
    text_local: TextBranch = "token"
    """Block of the text tokens, or of their mean in pooled mode."""
    text_global: TextBranch = "mlp"
    """Block of the pooled text."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout inside the blocks."""
    temperature: float = Field(0.07, ge=0.001, le=0.5)
    """Initial temperature of the contrastive loss."""


class TrainParams(Block):
    """Training of the projector."""

    datasets: list[Name] = Field(min_length=1)
    """Captioned data sets to train on, one after the other in one shuffled set."""
    validation: Name
    """Captioned data set on which retrieval is measured during training."""
    mode: Literal["pooled", "tokens"]
    """`pooled` trains on one or two cached vectors an image; `tokens` on every token, as published."""
    projector: ProjectorParams
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
    def _learning_rate_falls(self) -> "TrainParams":
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(f"min_learning_rate {self.min_learning_rate} is above learning_rate {self.learning_rate}")
        return self
