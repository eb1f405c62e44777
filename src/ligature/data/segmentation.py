"""Opening a data set with masks by name: one table and one reader of masks for every layout."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ligature.data.dataset import Dataset
from ligature.data.files import read_lines
from ligature.data.images import read_image
from ligature.data.masks import VOC_CLASSES, VOID, read_mask, read_masked_folder, read_voc
from ligature.data.open import resolve_path
from ligature.data.pascal_context import read_label_map, read_label_table, read_pascal_context
from ligature.errors import DataError, ParamsError
from ligature.params.datasets import PascalContextDataset, SegmentedDataset, VocDataset, kind_of
from ligature.store import Layout

READABLE = {
    "bedcloth": "bedclothes",
    "diningtable": "dining table",
    "pottedplant": "potted plant",
    "tvmonitor": "tv monitor",
}
"""Class names that the data sets write in one word, as people write them."""


@dataclass(frozen=True)
class SegmentationSet:
    """Images of one split with the class of every pixel.

    Attributes:
        name: of the data set in the study.
        split: of the original.
        images: one row an image: ``id``, ``path``, ``mask``.
        class_names: as the data set writes them, in the order of mask indices.
        has_background: whether class 0 is everything that is no object; otherwise such pixels are void.
        reader: from the path of a mask to its [height, width] uint8 classes, 255 void.
    """

    name: str
    split: str
    images: pd.DataFrame
    class_names: list[str]
    has_background: bool
    reader: Callable[[Path], np.ndarray]

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.images)

    @property
    def readable_names(self) -> list[str]:
        """The class names as people write them."""
        return [READABLE.get(name, name) for name in self.class_names]

    def load(self, row: int) -> tuple[Image.Image, np.ndarray]:
        """Reads one image in RGB and its mask, [height, width] uint8 classes, 255 void.

        Raises:
            DataError: when one of them cannot be read, or their sizes differ.
        """
        path, mask_path = self.images["path"].iloc[row], self.images["mask"].iloc[row]
        try:
            image, _ = read_image(path)
        except ValueError as error:
            raise DataError(f"{path}: cannot be used ({error}); restore the file") from error
        mask = self.reader(Path(mask_path))
        if mask.shape != (image.height, image.width):
            height, width = mask.shape
            raise DataError(
                f"{mask_path}: the mask is {width} x {height}, its image {path} {image.width} x {image.height}"
            )
        return image, mask


def open_segmentation(layout: Layout, name: str) -> SegmentationSet:
    """Reads a data set with masks: its table of images, cut to fold and limit, and its classes.

    Raises:
        DataError: naming the file that is wrong.
        ParamsError: when there is no such data set, or it has no masks.
    """
    params = layout.study.datasets.get(name)
    if params is None or kind_of(params) != "masks":
        known = ", ".join(key for key, value in layout.study.datasets.items() if kind_of(value) == "masks")
        raise ParamsError(f"datasets: {name!r} is no data set with masks; known: {known or 'none'}")
    table, classes, reader = _read(params, layout)
    images = Dataset(name, params.split, table, pd.DataFrame(), classes)
    if params.fold is not None:
        images = images.fold(params.fold.index, params.fold.of, params.fold.seed)
    if params.limit is not None:
        images = images.keep_images(np.arange(min(params.limit, len(images.images))))
    if not len(images.images):
        raise DataError(f"datasets.{name}: no image is left; check its files, fold and limit")
    background = not isinstance(params, PascalContextDataset)
    return SegmentationSet(name, params.split, images.images, classes, background, reader)


def _read(params: SegmentedDataset, layout: Layout) -> tuple[pd.DataFrame, list[str], Callable[[Path], np.ndarray]]:
    if isinstance(params, PascalContextDataset):
        root = resolve_path(params.root, layout)
        labels = read_label_table(root)
        table = read_pascal_context(root, split=params.split)
        return table, _checked(labels.class_names, root), lambda path: read_label_map(path, labels)
    classes = list(VOC_CLASSES)
    if params.classes is not None:
        file = resolve_path(params.classes, layout)
        classes = _checked(filter(None, map(str.strip, read_lines(file))), file)
    if isinstance(params, VocDataset):
        table = read_voc(resolve_path(params.root, layout), split=params.split)
    else:
        table = read_masked_folder(resolve_path(params.images, layout), str(resolve_path(params.masks, layout)))
    return table, classes, lambda path: read_mask(path, classes=len(classes))


def _checked(names: Iterable[str], where: Path) -> list[str]:
    """Returns class names after checking that masks of bytes can tell them apart."""
    names = list(names)
    if not 2 <= len(names) <= VOID or len(set(names)) < len(names):
        raise DataError(f"{where}: {len(names)} class names; give 2 to {VOID} of them, none twice")
    return names
