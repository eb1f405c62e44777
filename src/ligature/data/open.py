"""Opening a data set of a study by name."""

import os
import re
from pathlib import Path

import numpy as np

from ligature.data.coco import read_coco
from ligature.data.dataset import Dataset
from ligature.data.flickr import read_flickr
from ligature.data.imagefolders import read_image_folders
from ligature.errors import DataError, ParamsError
from ligature.params.datasets import CocoDataset, DatasetParams, FlickrDataset
from ligature.store import Layout


def resolve_path(text: str, layout: Layout) -> Path:
    """Replaces ``{world}`` and ``${NAME}`` in a path of a study.

    Raises:
        ParamsError: when the environment variable is not set.
    """

    def variable(match: re.Match) -> str:
        value = os.environ.get(match[1])
        if not value:
            raise ParamsError(f"{text}: the environment variable {match[1]} is not set; export it before the run")
        return value

    return Path(re.sub(r"\$\{(\w+)\}", variable, text.replace("{world}", str(layout.world))))


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
    images = resolve_path(params.images, layout)
    if isinstance(params, CocoDataset):
        return read_coco(images, resolve_path(params.captions, layout), name=name, split=params.split)
    if isinstance(params, FlickrDataset):
        return read_flickr(images, resolve_path(params.captions, layout), name=name, split=params.split)
    classes = resolve_path(params.classes, layout)
    return read_image_folders(images, classes, templates=params.templates, name=name, split=params.split)
