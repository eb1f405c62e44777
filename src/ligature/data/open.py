"""Opening a data set of a study by name."""

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ligature.data.benchmarks import list_benchmark
from ligature.data.coco import read_coco
from ligature.data.dataset import Dataset
from ligature.data.docci import read_docci
from ligature.data.flickr import read_flickr
from ligature.data.imagefolders import list_image_folders
from ligature.data.karpathy import read_karpathy
from ligature.data.parallel import read_parallel
from ligature.data.prompts import prompt_table
from ligature.data.remote.places import data_folder
from ligature.data.translations import with_descriptions, with_translations
from ligature.errors import DataError, ParamsError
from ligature.params.datasets import (
    CaptionedDataset,
    DatasetParams,
    ImageFoldersDataset,
    LabelledDataset,
    ParallelDataset,
    SegmentedDataset,
)
from ligature.store import Layout

Resolve = Callable[[str], Path]
CAPTIONED = {"coco": read_coco, "docci": read_docci, "flickr": read_flickr, "karpathy": read_karpathy}


def resolve_path(text: str, layout: Layout) -> Path:
    """Replaces ``{world}``, ``{data}`` and ``${NAME}`` in a path of a study.

    Raises:
        ParamsError: when the environment variable is not set.
    """

    def variable(match: re.Match) -> str:
        value = os.environ.get(match[1])
        if not value:
            raise ParamsError(f"{text}: the environment variable {match[1]} is not set; export it before the run")
        return value

    placed = text.replace("{world}", str(layout.world)).replace("{data}", str(data_folder()))
    return Path(re.sub(r"\$\{(\w+)\}", variable, placed))


def open_dataset(layout: Layout, name: str) -> Dataset:
    """Reads a data set of a study: its tables of images and texts, cut to fold and limit.

    Raises:
        DataError: naming the file, row or key that is wrong.
    """
    params = layout.study.datasets.get(name)
    if params is None:
        raise ParamsError(f"datasets: unknown dataset {name!r}; known: {', '.join(layout.study.datasets)}")
    dataset = _read(params, layout, name)
    if params.fold is not None:
        dataset = dataset.fold(params.fold.index, params.fold.of, params.fold.seed)
    if params.limit is not None:
        dataset = dataset.keep_images(np.arange(min(params.limit, len(dataset.images))))
    if not len(dataset.images):
        raise DataError(f"datasets.{name}: no image is left; check its files, fold and limit")
    return dataset


def _read(params: DatasetParams, layout: Layout, name: str) -> Dataset:
    resolve = partial(resolve_path, layout=layout)
    if isinstance(params, SegmentedDataset):
        raise ParamsError(
            f"datasets.{name}: format {params.format} has masks, which the segmentation step reads; "
            "name it under evaluate.segmentation"
        )
    if isinstance(params, LabelledDataset):
        return _labelled(params, resolve, name)
    dataset = _captioned(params, resolve, name)
    if params.translations is not None:
        dataset = with_translations(dataset, params.translations, resolve)
    if params.descriptions is not None:
        dataset = with_descriptions(dataset, params.descriptions, resolve)
    return dataset


def _captioned(params: CaptionedDataset, resolve: Resolve, name: str) -> Dataset:
    images, captions = resolve(params.images), resolve(params.captions)
    if isinstance(params, ParallelDataset):
        return read_parallel(images, resolve(params.names), captions, name=name, split=params.split)
    return CAPTIONED[params.format](images, captions, name=name, split=params.split)


def _labelled(params: LabelledDataset, resolve: Resolve, name: str) -> Dataset:
    classes = None if params.classes is None else resolve(params.classes)
    if isinstance(params, ImageFoldersDataset):
        found = list_image_folders(resolve(params.images), classes)
    else:
        found = list_benchmark(params.format, resolve(params.root), split=params.split, classes=classes)
    prompts = prompt_table(params, found.classes, resolve, name=name)
    return Dataset(name, params.split, found.images, prompts, list(found.classes.values()))
