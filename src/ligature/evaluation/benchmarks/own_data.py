"""Data sets of one's own: class folders, captions, masks."""

from typing import Any

from ligature.evaluation.benchmarks.metadata import Benchmark, BenchmarkMetadata
from ligature.evaluation.benchmarks.objects import SINGLE
from ligature.evaluation.benchmarks.retrieval import PROTOCOL as RETRIEVAL
from ligature.evaluation.benchmarks.segmentation import PROTOCOL as SEGMENTATION
from ligature.params.datasets import CaptionedDataset, DatasetParams, LabelledDataset, SegmentedDataset

OWN: dict[str, Any] = {
    "version": "the study's own",
    "splits": ("as named in the study",),
    "languages": ("en",),
    "licence": "that of the data",
    "citation": "that of the data",
}


class OwnClassFolders(Benchmark):
    """One folder of images a class."""

    metadata = BenchmarkMetadata(
        name="Class folders",
        task="classification",
        description="Images of one's own, one folder a class.",
        dataset="imagefolders: a folder of class folders and a tab-separated file of folder and class names",
        reference="https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.ImageFolder.html",
        main_metric="top1",
        protocol=SINGLE,
        **OWN,
    )

    @classmethod
    def reads(cls, params: DatasetParams) -> bool:
        """Tells whether the data set has labels."""
        return isinstance(params, LabelledDataset)


class OwnCaptions(Benchmark):
    """Images with captions."""

    metadata = BenchmarkMetadata(
        name="Captioned images",
        task="retrieval",
        description="Images of one's own with captions.",
        dataset="coco, flickr, karpathy or parallel: a folder of images and a file of captions",
        reference="https://cocodataset.org/#format-data",
        main_metric="t2i_recall@1",
        protocol=RETRIEVAL,
        **OWN,
    )

    @classmethod
    def reads(cls, params: DatasetParams) -> bool:
        """Tells whether the data set has captions."""
        return isinstance(params, CaptionedDataset)


class OwnMasks(Benchmark):
    """Images with index masks."""

    metadata = BenchmarkMetadata(
        name="Images with masks",
        task="segmentation",
        description="Images of one's own with one index mask each.",
        dataset="masks: a folder of images, the path of a mask, and a file of class names",
        reference="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
        main_metric="miou",
        protocol=SEGMENTATION,
        **OWN,
    )

    @classmethod
    def reads(cls, params: DatasetParams) -> bool:
        """Tells whether the data set has masks."""
        return isinstance(params, SegmentedDataset)
