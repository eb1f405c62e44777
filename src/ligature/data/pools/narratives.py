"""Reader of Localised Narratives: lines of json that name an image of a known data set and tell what it shows."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from ligature.data.pools.funnel import KEPT
from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError

MAX_LINE = 32 << 20
"""Longest line in bytes; those with mouse traces have some hundred thousand."""
NOT_PUBLIC = "no public address"
"""Why a narrative is dropped whose image cannot be fetched by itself."""

_NEEDED = ("dataset_id", "image_id", "caption")
_COCO = re.compile(r"mscoco_(train|val)2017", re.IGNORECASE)
_OPEN_IMAGES = re.compile(r"open_?images_(train|validation|val|test)(?:_v[0-9])?", re.IGNORECASE)


def read_narratives(path: Path, rows: RowSlice) -> pd.DataFrame:
    """Reads lines of Localised Narratives, with the mouse traces or without.

    An image may have several narratives, each in a row of its own and with the same address.

    Args:
        path: file of one json object a line, with ``dataset_id``, ``image_id`` and ``caption``.
        rows: which of the lines.

    Returns:
        ``row`` (number of the line from 0), ``url``, ``caption``, and ``reason``: ``no public address`` where the
        images of the data set are handed out as a whole only, which is so of Flickr30k and ADE20K, else nothing. The
        address is None too where the image's id is none of its data set.

    Raises:
        DataError: naming the file and the line that is wrong.
    """
    try:
        with path.open("rb") as file:
            count = sum(1 for _ in _lines(path, file))
            start, stop = rows.bounds(count)
            file.seek(0)
            found = [
                (number, *_row(path, number, line))
                for number, line in enumerate(islice(_lines(path, file), start, stop), start)
            ]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path of the source") from error
    return pd.DataFrame(found, columns=["row", "url", "caption", "reason"])


def image_address(dataset: str, image: str) -> str | None:
    """Returns where an image of Open Images or of COCO's release of 2017 lies, or None.

    Args:
        dataset: such as ``mscoco_train2017`` or ``open_images_train``.
        image: its id there: a number for COCO, 16 digits of hex for Open Images.
    """
    if (found := _COCO.fullmatch(dataset)) and re.fullmatch("[0-9]{1,12}", image):
        return f"http://images.cocodataset.org/{found[1].lower()}2017/{int(image):012d}.jpg"
    if (found := _OPEN_IMAGES.fullmatch(dataset)) and re.fullmatch("[0-9a-f]{16}", image):
        split = {"val": "validation"}.get(found[1].lower(), found[1].lower())
        return f"https://s3.amazonaws.com/open-images-dataset/{split}/{image}.jpg"
    return None


def _row(path: Path, number: int, line: bytes) -> tuple[str | None, str | None, str]:
    """Returns address, caption and reason of one line."""
    values = _values(path, number, line)
    dataset, image, caption = (values[key] for key in _NEEDED)
    dataset, image = str(dataset), str(image)
    public = _COCO.fullmatch(dataset) or _OPEN_IMAGES.fullmatch(dataset)
    text = caption if isinstance(caption, str) else None
    return image_address(dataset, image), text, KEPT if public else NOT_PUBLIC


def _values(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: line {number + 1} is not valid json ({error}); correct or remove it") from error
    if not isinstance(values, dict) or not values.keys() >= set(_NEEDED):
        raise DataError(f"{path}: line {number + 1} has not the keys {', '.join(_NEEDED)}; check the source's format")
    return values


def _lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b"")):
        if len(line) > MAX_LINE:
            raise DataError(f"{path}: line {number + 1} is longer than {MAX_LINE} bytes; check the source's format")
        yield line
