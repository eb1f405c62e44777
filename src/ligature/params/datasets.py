"""The `datasets` block: which images and texts there are, in which file format."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ligature.params.base import Block, LocalPath, Name, Positive, ResourceKey, Seed
from ligature.params.texts import DescriptionParams, PromptParams, TranslationParams, check_template


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
    resources: list[ResourceKey] = Field(default_factory=list)
    """Public data that the workflow fetches and unpacks into `{data}/NAME@VERSION` before the data set is read."""
    split: str = "val"
    """Name of the split, as it appears in the results; where a format knows splits, the one that is read."""
    fold: Fold | None = None
    """Take one random fold of the images; all of them by default."""
    limit: Positive | None = None
    """Keep only the first so many images; all of them by default."""
    parts: Positive = 1
    """Number of contiguous parts that are embedded by separate jobs."""

    @model_validator(mode="after")
    def _resources_are_named(self) -> "_DatasetBlock":
        for key in re.findall(r"\{data\}/?([^/']*)", str(self.model_dump(exclude={"resources"}))):
            if key not in self.resources:
                raise ValueError(f"a path lies in {{data}}/{key}, which must be one of the block's resources")
        return self


class _CaptionedBlock(_DatasetBlock):
    images: LocalPath
    """Folder of the images."""
    translations: TranslationParams | None = None
    """Captions of the same images in several languages, for evaluation."""
    descriptions: DescriptionParams | None = None
    """Long descriptions of the same images, for evaluation."""


class CocoDataset(_CaptionedBlock):
    """Images with captions in COCO's layout."""

    format: Literal["coco"]
    captions: LocalPath
    """The captions json."""


class FlickrDataset(_CaptionedBlock):
    """Images with captions in Flickr8k's layout: a csv of `image,caption` rows."""

    format: Literal["flickr"]
    captions: LocalPath
    """The csv file of captions."""


class KarpathyDataset(_CaptionedBlock):
    """Images with captions in the json of Karpathy's splits (`dataset_coco.json`, `dataset_flickr30k.json`)."""

    format: Literal["karpathy"]
    captions: LocalPath
    """The json file; `split` chooses its images."""


class DocciDataset(_CaptionedBlock):
    """Images with one long description each, as DOCCI comes."""

    format: Literal["docci"]
    captions: LocalPath
    """`docci_descriptions.jsonlines`; `split` chooses its images."""


class ParallelDataset(_CaptionedBlock):
    """One caption an image, line by line, as XTD10 and Multi30k come."""

    format: Literal["parallel"]
    names: LocalPath
    """File of image names, one a line."""
    captions: LocalPath
    """File of captions, one a line."""


class _LabelledBlock(_DatasetBlock):
    templates: list[str] = Field(default=["a photo of a {}."], min_length=1)
    """Prompt templates of the main protocol; `{}` stands for the class name."""
    prompts: dict[Name, PromptParams] = Field(default_factory=dict)
    """Further prompt sets and languages, each measured by itself."""

    @model_validator(mode="after")
    def _templates_have_a_place(self) -> "_LabelledBlock":
        for template in self.templates:
            check_template(template)
        return self


class ImageFoldersDataset(_LabelledBlock):
    """One folder of images a class, in ImageNet's layout, and a file of class names."""

    format: Literal["imagefolders"]
    images: LocalPath
    """Folder that holds one folder a class."""
    classes: LocalPath
    """Tab-separated file without header: folder name, class name (synonyms after commas)."""


class BenchmarkDataset(_LabelledBlock):
    """A public classification benchmark in the layout of its own release."""

    format: Literal[
        "imagenet",
        "imagenet-v2",
        "imagenet-sketch",
        "imagenet-a",
        "imagenet-r",
        "imagenet-o",
        "caltech-101",
        "oxford-pets",
        "stanford-cars",
        "flowers-102",
        "food-101",
        "fgvc-aircraft",
        "sun397",
        "cub-200",
        "ucf101",
        "eurosat",
        "dtd",
        "cifar-10",
        "cifar-100",
    ]
    root: LocalPath
    """Folder of the unpacked release."""
    classes: LocalPath | None = None
    """Tab-separated file of the release's class keys and class names, in place of its own names."""


class VocDataset(_DatasetBlock):
    """Images with masks in the layout of Pascal VOC."""

    format: Literal["voc"]
    root: LocalPath
    """Folder with `JPEGImages`, `SegmentationClass` and `ImageSets/Segmentation`."""
    classes: LocalPath | None = None
    """Names of the mask indices, one a line, background first; those of Pascal VOC by default."""


class PascalContextDataset(_DatasetBlock):
    """Pascal Context: VOC images, the label maps of 2010 (`trainval/*.mat`) and a list of 59 classes."""

    format: Literal["pascal-context"]
    root: LocalPath
    """Folder with `JPEGImages`, `trainval`, `labels.txt`, `59_labels.txt` and the list of the split."""


class MasksDataset(_DatasetBlock):
    """Any folder of images with one index mask each."""

    format: Literal["masks"]
    images: LocalPath
    """Folder of the images."""
    masks: LocalPath
    """Path of a mask; `{id}` stands for the name of its image without ending."""
    classes: LocalPath | None = None
    """Names of the mask indices, one a line, background first; those of Pascal VOC by default."""


CaptionedDataset = CocoDataset | FlickrDataset | KarpathyDataset | DocciDataset | ParallelDataset
LabelledDataset = ImageFoldersDataset | BenchmarkDataset
SegmentedDataset = VocDataset | PascalContextDataset | MasksDataset
DatasetParams = Annotated[CaptionedDataset | LabelledDataset | SegmentedDataset, Field(discriminator="format")]


def kind_of(dataset: DatasetParams) -> Literal["captions", "classes", "masks"]:
    """Returns what stands beside the images of a data set."""
    if isinstance(dataset, CaptionedDataset):
        return "captions"
    return "classes" if isinstance(dataset, LabelledDataset) else "masks"
