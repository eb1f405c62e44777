"""The `world` block: how large the procedural world of captioned scenes is."""

from pydantic import Field

from ligature.params.base import Block, Name, Positive, Seed


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
