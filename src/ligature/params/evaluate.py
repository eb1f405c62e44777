"""The `evaluate` and `report` blocks: what is measured at the end and what the page shows."""

from pydantic import Field

from ligature.params.base import Block, Name, Positive, Seed


class EvaluateParams(Block):
    """Zero-shot evaluation of the aligned pair."""

    classification: list[Name] = Field(default_factory=list)
    """Data sets with class folders."""
    retrieval: list[Name] = Field(default_factory=list)
    """Captioned data sets."""


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
