"""Readers of Flickr8k's layout and of one-caption-a-language files beside it."""

import json
from pathlib import Path

import pandas as pd

from ligature.data.coco import safe_join
from ligature.data.dataset import Dataset, captioned_dataset
from ligature.errors import DataError


def read_flickr(images: Path, captions: Path, *, name: str = "flickr8k", split: str = "all") -> Dataset:
    """Reads a csv of ``image,caption`` rows; an image's id is its file name without ending.

    Raises:
        DataError: naming the file and what is wrong with it.
    """
    try:
        table = pd.read_csv(captions, dtype=str, keep_default_na=False)
    except OSError as error:
        raise DataError(
            f"{captions}: cannot be read ({error.strerror}); check the path in the study's datasets"
        ) from error
    except ValueError as error:
        raise DataError(f"{captions}: not a csv file ({error})") from error
    if not {"image", "caption"} <= set(table.columns):
        raise DataError(f"{captions}: needs the columns image and caption, has {', '.join(table.columns)}")
    files = table["image"].drop_duplicates()
    image_table = pd.DataFrame(
        {
            "id": [Path(file).stem for file in files],
            "path": [safe_join(images, file, captions) for file in files],
        }
    )
    rows = pd.DataFrame({"image_id": table["image"].map(lambda file: Path(file).stem), "text": table["caption"]})
    return captioned_dataset(name, split, image_table, rows, str(captions))


def read_translations(path: Path) -> pd.DataFrame:
    """Reads a jsonl file of one image a line: ``id`` and one caption per language code.

    Returns:
        Columns ``image_id``, ``language``, ``text``.

    Raises:
        DataError: naming the file and line that cannot be read.
    """
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            identity = str(values["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}, line {number}: not a json object with an id") from error
        languages = [key for key, value in values.items() if len(key) == 2 and key != "id" and isinstance(value, str)]
        rows += [{"image_id": identity, "language": key, "text": values[key]} for key in languages]
    return pd.DataFrame(rows, columns=["image_id", "language", "text"])
