"""Reader of Pascal VOC's segmentation layout: images and index masks."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ligature.data.files import read_lines, safe_join
from ligature.errors import DataError

VOID = 255


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
    listing = root / "ImageSets" / "Segmentation" / f"{split}.txt"
    rows = []
    for identity in filter(None, map(str.strip, read_lines(listing))):
        image = safe_join(root / "JPEGImages", f"{identity}.jpg", listing)
        mask = safe_join(root / "SegmentationClass", f"{identity}.png", listing)
        for path in (image, mask):
            if not path.is_file():
                raise DataError(f"{path}: missing, though {listing} names it")
        rows.append({"id": identity, "path": str(image), "mask": str(mask)})
    return pd.DataFrame(rows, columns=["id", "path", "mask"])


def read_mask(path: Path, *, classes: int) -> np.ndarray:
    """Reads an index mask.

    Returns:
        [height, width] uint8: 0 background, 1 to ``classes`` - 1 objects, 255 void.

    Raises:
        DataError: when the file is not an index mask or holds another index.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in ("P", "L"):
                raise DataError(f"{path}: mode {image.mode}, expected a mask of indices (palette or grey)")
            mask = np.array(image, dtype=np.uint8)
    except (OSError, SyntaxError) as error:
        raise DataError(f"{path}: cannot be read as a mask ({error})") from error
    unknown = np.setdiff1d(mask, [*range(classes), VOID])
    if len(unknown):
        raise DataError(f"{path}: index {unknown[0]} is not one of {classes} classes")
    return mask
