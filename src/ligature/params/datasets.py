"""The `datasets` block: which images and texts there are, in which file format."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ligature.params.base import Block, LocalPath, Positive, Seed


class Fold(Block):
    """One of several disjoint random folds of a data set's images."""

    index: int = Field(ge=0)
    """Which fold to take, from 0."""
    of: int = Field(ge=2)
    """Number of folds."""
    seed: Seed = 0
    """Seed of the random assignment."""

    @model_validator(mode="after")
    def _index_in_range(self) -> "Fold":
        if self.index >= self.of:
            raise ValueError(f"fold index {self.index} must be below the number of folds, {self.of}")
        return self


class _DatasetBlock(Block):
    split: str = "val"
    """Name of the split, as it appears in the results."""
    fold: Fold | None = None
    """Take one random fold of the images; all of them by default."""
    limit: Positive | None = None
    """Keep only the first so many images; all of them by default."""
    parts: Positive = 1
    """Number of contiguous parts that are embedded by separate jobs."""


class CocoDataset(_DatasetBlock):
    """Images with captions in COCO's layout."""

    format: Literal["coco"]
    images: LocalPath
    """Folder of the images."""
    captions: LocalPath
    """The captions json."""


class FlickrDataset(_DatasetBlock):
    """Images with captions in Flickr8k's layout: a csv of `image,caption` rows."""

    format: Literal["flickr"]
    images: LocalPath
    """Folder of the images."""
    captions: LocalPath
    """The csv file of captions."""


class ImageFoldersDataset(_DatasetBlock):
    """One folder of images a class, in ImageNet's layout, and a file of class names."""

    format: Literal["imagefolders"]
    images: LocalPath
    """Folder that holds one folder a class."""
    classes: LocalPath
    """Tab-separated file without header: folder name, class name (synonyms after commas)."""
    templates: list[str] = Field(default=["a photo of a {}."], min_length=1)
    """Prompt templates; `{}` stands for the class name."""

    @model_validator(mode="after")
    def _templates_have_a_place(self) -> "ImageFoldersDataset":
        for template in self.templates:
            if template.count("{}") != 1:
                raise ValueError(f"template {template!r} must contain {{}} exactly once")
        return self


DatasetParams = Annotated[CocoDataset | FlickrDataset | ImageFoldersDataset, Field(discriminator="format")]
