"""The `evaluate` and `report` blocks: what is measured at the end and what the page shows."""

from pydantic import Field, model_validator

from ligature.params.base import Block, Fraction, Name, Positive, Seed


class SegmentationParams(Block):
    """Zero-shot segmentation with projected patch tokens, window by window."""

    datasets: list[Name] = Field(min_length=1)
    """Data sets with masks."""
    image_size: Positive
    """Side in pixels to which the shorter side of an image is scaled."""
    window: Positive
    """Side in pixels of the square that the encoder sees at once."""
    stride: Positive
    """Pixels from one window to the next."""
    threshold: Fraction = 0.4
    """Threshold of the published protocol, on scores scaled to 0 .. 1 for every class."""
    templates: list[str] = Field(default=["{}"], min_length=1)
    """Prompt templates; `{}` stands for the class name."""
    background: list[str] = Field(default=["background"], min_length=1)
    """What the background is called in the standard protocol; the best of the names counts."""
    overlays: int = Field(6, ge=0)
    """Images shown with their predicted masks."""

    @model_validator(mode="after")
    def _windows_cover_the_image(self) -> "SegmentationParams":
        if not self.stride <= self.window <= self.image_size:
            raise ValueError(
                f"image_size {self.image_size}, window {self.window}, stride {self.stride}: must not grow in this order"
            )
        return self


class BaselineParams(Block):
    """Two encoders that are aligned as they come, such as CLIP's or a pre-trained pair, measured by the same code."""

    name: Name
    """Name of the model in results."""
    vision: Name
    """Vision encoder with loader `clip` or `contrastive`."""
    text: Name
    """Text encoder with loader `clip` or `contrastive`."""


class EvaluateParams(Block):
    """Zero-shot evaluation of the aligned pair."""

    classification: list[Name] = Field(default_factory=list)
    """Data sets with class names; prompt sets and languages of a data set are measured with it."""
    retrieval: list[Name] = Field(default_factory=list)
    """Captioned data sets; translations and long descriptions of a data set are measured with it."""
    segmentation: SegmentationParams | None = None
    """Data sets with masks; null for none."""
    baselines: list[BaselineParams] = Field(default_factory=list)
    """Models measured beside the study's own."""


class ReportParams(Block):
    """The results page."""

    title: str = "Ligature"
    """Title of the page."""
    samples: int = Field(6, ge=0)
    """Sample retrievals shown in each direction."""
    tsne_points: Positive = 300
    """Image-text pairs in the t-SNE picture."""
    seed: Seed = 0
    """Seed of samples and t-SNE."""
