"""Small data sets in the file formats of the originals, and the error lines of readers."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ligature.errors import LigatureError


def the_line(reader: Callable, *arguments, error: type[LigatureError], **options) -> str:
    """Returns the one line with which a reader refuses its files."""
    with pytest.raises(error) as caught:
        reader(*arguments, **options)
    assert "\n" not in str(caught.value), str(caught.value)
    return str(caught.value)


def coco_values(images: list[tuple], captions: list[tuple]) -> dict:
    """Returns a captions file of (id, file name) and (id, image id, caption) rows."""
    return {
        "images": [dict(zip(("id", "file_name"), row, strict=True)) for row in images],
        "annotations": [dict(zip(("id", "image_id", "caption"), row, strict=True)) for row in captions],
    }


def write_coco(folder: Path, images: list[tuple], captions: list[tuple]) -> Path:
    path = folder / "captions.json"
    path.write_text(json.dumps(coco_values(images, captions)), encoding="utf-8")
    return path


def write_class_folders(folder: Path, files: list[str], classes: str) -> tuple[Path, Path]:
    """Writes empty files under ``images`` and the text of ``classes.tsv``; returns both."""
    images, table = folder / "images", folder / "classes.tsv"
    images.mkdir(exist_ok=True)
    for file in files:
        (images / file).parent.mkdir(parents=True, exist_ok=True)
        (images / file).touch()
    table.write_text(classes, encoding="utf-8")
    return images, table


def write_picture(path: Path, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (4, 3)).save(path)
