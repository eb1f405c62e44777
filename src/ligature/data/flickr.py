"""Readers of Flickr8k's layout and of one-caption-a-language files beside it."""

import io
from pathlib import Path

import pandas as pd

from ligature.data.dataset import Dataset, captioned_dataset
from ligature.data.files import read_text, safe_join
from ligature.errors import DataError


def read_flickr(images: Path, captions: Path, *, name: str = "flickr8k", split: str = "all") -> Dataset:
    """Reads a csv of ``image,caption`` rows; an image's id is its file name without ending.

    Raises:
        DataError: naming the file and what is wrong with it.
    """
    table = _read_csv(captions)
    if not {"image", "caption"} <= set(table.columns):
        raise DataError(f"{captions}: needs the columns image and caption, has {', '.join(table.columns)}")
    files = table["image"].drop_duplicates()
    image_table = pd.DataFrame(
        {
            "id": [Path(file).stem for file in files],
            "path": [str(safe_join(images, file, captions)) for file in files],
        }
    )
    rows = pd.DataFrame({"image_id": table["image"].map(lambda file: Path(file).stem), "text": table["caption"]})
    return captioned_dataset(name, split, image_table, rows, str(captions))


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(io.StringIO(read_text(path)), dtype=str, keep_default_na=False)
    except ValueError as error:
        raise DataError(f"{path}: not a csv file ({' '.join(str(error).split())})") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise DataError(f"{path}: the rows have more fields than the header; quote the captions that hold commas")
    return table
