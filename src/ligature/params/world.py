"""The `world` block: how large the procedural world of captioned scenes is."""

from pydantic import Field

from ligature.params.base import Block, Name, Positive, Seed


class WebParams(Block):
    """The web of the world: a pool of noisy captions with a Zipf tail of concepts, and three captioned sources."""

    laion: Positive
    """Rows of the LAION-like pool."""
    parts: Positive = 4
    """Parquet files of the pool."""
    cc3m: Positive
    """Rows of the CC3M-like source."""
    cc12m: Positive
    """Rows of the CC12M-like source."""
    sbu: Positive
    """Rows of the SBU-like source."""


class WorldParams(Block):
    """A procedural world of captioned scenes, written in the file formats of the originals."""

    seed: Seed = 0
    """Seed of every scene; the same seed gives the same bytes."""
    image_size: int = Field(64, ge=32, le=512)
    """Side of the square images, in pixels."""
    coco: dict[Name, Positive]
    """Scenes with captions, per split."""
    imagenet: dict[Name, Positive]
    """Images per class of the labelled set, per split."""
    voc: dict[Name, Positive] = Field(default_factory=dict)
    """Scenes with masks, per split."""
    shifted: dict[Name, Positive] = Field(default_factory=dict)
    """Captioned scenes of other contents and another look, per split; each split is one of `coco`."""
    web: WebParams | None = None
    """Sources with addresses, answered by a local server; null for none."""
