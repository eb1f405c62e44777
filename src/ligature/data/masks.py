"""Readers of images with index masks: Pascal VOC's layout, and any folder with one mask an image."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ligature.data.benchmarks.labelled import IMAGE_ENDINGS
from ligature.data.files import read_lines, safe_join
from ligature.data.images import MAX_PIXELS
from ligature.errors import DataError, ParamsError
from ligature.progress import say

VOID = 255
MASK_FORMATS = ("PNG", "TIFF", "BMP", "GIF")
VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""Classes of Pascal VOC in the order of mask indices, as the data set writes them."""


def read_voc(root: Path, *, split: str = "val") -> pd.DataFrame:
    """Lists the images and masks of one split.

    Args:
        root: folder with ``JPEGImages``, ``SegmentationClass`` and ``ImageSets/Segmentation``.
        split: name of the list.

    Returns:
        Columns ``id``, ``path``, ``mask``.

    Raises:
        DataError: naming the file that is missing.
    """
    listing = safe_join(root / "ImageSets" / "Segmentation", f"{split}.txt", root)
    return read_listed(listing, (root / "JPEGImages", ".jpg"), (root / "SegmentationClass", ".png"))


def read_listed(listing: Path, images: tuple[Path, str], masks: tuple[Path, str]) -> pd.DataFrame:
    """Lists the images and masks that a file names, one id a line.

    Args:
        listing: the file of ids.
        images: folder of the images, and what follows the id in their names.
        masks: the same of the masks.

    Returns:
        Columns ``id``, ``path``, ``mask``.

    Raises:
        DataError: naming the file that is missing.
    """
    rows = []
    for identity in filter(None, map(str.strip, read_lines(listing))):
        paths = [safe_join(folder, f"{identity}{ending}", listing) for folder, ending in (images, masks)]
        for path in paths:
            if not path.is_file():
                raise DataError(f"{path}: missing, though {listing} names it")
        rows.append((identity, *map(str, paths)))
    return pd.DataFrame(rows, columns=["id", "path", "mask"])


def read_masked_folder(images: Path, masks: str) -> pd.DataFrame:
    """Lists the images of a folder that have a mask, by name; how many have none is said.

    Args:
        images: the folder.
        masks: path of a mask; ``{id}`` stands for the name of its image without ending.

    Returns:
        Columns ``id``, ``path``, ``mask``.

    Raises:
        DataError: when there is no image, or none has a mask.
        ParamsError: when the path of a mask has no ``{id}``.
    """
    if "{id}" not in masks:
        raise ParamsError(f"{masks}: the path of a mask must contain {{id}}, the name of its image without ending")
    if not images.is_dir():
        raise DataError(f"{images}: no such folder; check the path in the study's datasets")
    files = sorted(file for file in images.iterdir() if file.suffix.lower() in IMAGE_ENDINGS)
    rows = [(file.stem, str(file), masks.replace("{id}", file.stem)) for file in files]
    masked = [row for row in rows if Path(row[2]).is_file()]
    if not masked:
        example = f", {rows[0][2]} for one is missing" if rows else ""
        raise DataError(f"{images}: none of {len(rows)} images has a mask{example}; check the paths")
    if len(masked) < len(rows):
        say(f"{images}: {len(rows) - len(masked)} of {len(rows)} images have no mask and are left out")
    return pd.DataFrame(masked, columns=["id", "path", "mask"])


def read_mask(path: Path, *, classes: int) -> np.ndarray:
    """Reads an index mask.

    Returns:
        [height, width] uint8: 0 background, 1 to ``classes`` - 1 objects, 255 void.

    Raises:
        DataError: when the file is not an index mask, is too large, or holds another index.
    """
    try:
        with Image.open(path, formats=MASK_FORMATS) as image:
            if image.mode not in ("P", "L"):
                raise DataError(f"{path}: mode {image.mode}, expected a mask of indices (palette or grey)")
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"{path}: more than {MAX_PIXELS:,} pixels; make the mask smaller")
            mask = np.array(image, dtype=np.uint8)
    except DataError:
        raise
    except Exception as error:  # what Pillow's decoders raise on broken files is of every kind
        raise DataError(f"{path}: cannot be read as a mask ({error})") from error
    unknown = np.setdiff1d(mask, [*range(classes), VOID])
    if len(unknown):
        raise DataError(f"{path}: index {unknown[0]} is not one of {classes} classes")
    return mask
