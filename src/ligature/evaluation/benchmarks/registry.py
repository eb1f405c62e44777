"""The list of benchmarks, and which of them a data set of a study is."""

import pandas as pd

from ligature.evaluation.benchmarks import (
    fine_grained,
    objects,
    own_data,
    panels,
    retrieval,
    segmentation,
    shifts,
)
from ligature.evaluation.benchmarks.metadata import Benchmark, BenchmarkMetadata
from ligature.params.datasets import DatasetParams

REGISTRY: tuple[type[Benchmark], ...] = (
    objects.ImageNet,
    objects.ImageNetV2,
    shifts.ImageNetSketch,
    shifts.ImageNetA,
    shifts.ImageNetR,
    shifts.ImageNetO,
    objects.Caltech101,
    fine_grained.OxfordPets,
    fine_grained.StanfordCars,
    fine_grained.Flowers102,
    fine_grained.Food101,
    fine_grained.FgvcAircraft,
    objects.Sun397,
    fine_grained.Cub200,
    objects.Ucf101,
    objects.EuroSat,
    objects.Dtd,
    objects.Cifar10,
    objects.Cifar100,
    retrieval.Flickr30k,
    retrieval.CocoKarpathy,
    retrieval.CocoVal2017,
    segmentation.Voc2012,
    segmentation.PascalContext,
    retrieval.Xtd10,
    retrieval.Multi30k,
    panels.MultilingualClassification,
    panels.LongTextRetrieval,
    panels.ModalityGap,
    own_data.OwnClassFolders,
    own_data.OwnCaptions,
    own_data.OwnMasks,
)
"""Particular ones stand before the generic ones, which read whatever has labels, captions or masks."""
COLUMNS = ["name", "task", "dataset", "splits", "languages", "main_metric", "licence", "reference"]


def benchmarks() -> tuple[BenchmarkMetadata, ...]:
    """Returns the metadata of all benchmarks."""
    return tuple(benchmark.metadata for benchmark in REGISTRY)


def benchmark_for(params: DatasetParams) -> BenchmarkMetadata:
    """Returns the metadata of the benchmark that a data set of a study is: by its format and, where several share a
    format, by the path of its captions; a generic one for data of one's own.
    """
    return next(benchmark.metadata for benchmark in REGISTRY if benchmark.reads(params))


def benchmark_table() -> pd.DataFrame:
    """Returns one row a benchmark, with lists written out, as ``ligature evaluate --list`` prints it."""
    rows = [{column: _text(getattr(metadata, column)) for column in COLUMNS} for metadata in benchmarks()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _text(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)
