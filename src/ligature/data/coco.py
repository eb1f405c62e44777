"""Readers of COCO's layout: captions with images."""

import json
from pathlib import Path

import pandas as pd

from ligature.data.dataset import Dataset, captioned_dataset
from ligature.errors import DataError


def read_json(path: Path) -> dict:
    """Reads a json file.

    Raises:
        DataError: when it is missing or not json.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path in the study's datasets") from error
    except ValueError as error:
        raise DataError(f"{path}: not valid json ({error})") from error


def safe_join(folder: Path, name: str, where: Path) -> str:
    """Returns ``folder/name`` as text after checking that the name stays inside the folder.

    Raises:
        DataError: for an absolute name or one that climbs out with ``..``.
    """
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name:
        raise DataError(f"{where}: file name {name!r} leaves the image folder; correct it")
    return str(folder / name)


def read_coco(images: Path, captions: Path, *, name: str = "coco", split: str = "val") -> Dataset:
    """Reads COCO captions.

    Args:
        images: folder of the images.
        captions: the annotation file, with ``images`` (id, file_name) and ``annotations`` (image_id, caption).
        name: of the data set in the study.
        split: of the original.

    Raises:
        DataError: naming the file and what is wrong with it.
    """
    values = read_json(captions)
    try:
        image_rows = [
            {"id": str(image["id"]), "path": safe_join(images, image["file_name"], captions)}
            for image in values["images"]
        ]
        caption_rows = [
            {"image_id": str(caption["image_id"]), "text": caption["caption"]}
            for caption in sorted(values["annotations"], key=lambda caption: caption["id"])
        ]
    except (KeyError, TypeError) as error:
        raise DataError(f"{captions}: not in COCO's captions layout (missing {error})") from error
    image_table = pd.DataFrame(image_rows, columns=["id", "path"])
    return captioned_dataset(
        name, split, image_table, pd.DataFrame(caption_rows, columns=["image_id", "text"]), str(captions)
    )
