"""Readers of sources kept in one json file: SBU and COCO."""

from pathlib import Path
from typing import Any

import pandas as pd

from ligature.data.files import read_json
from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError


def read_sbu(path: Path, rows: RowSlice) -> pd.DataFrame:
    """Reads SBU's captions: two lists of one length, ``image_urls`` and ``captions``.

    Args:
        path: json file; it is read whole whatever the slice.
        rows: which of its rows.

    Returns:
        ``row``, ``url``, ``caption``; what is not a text is None.

    Raises:
        DataError: naming the file and what is wrong with it.
    """
    values = read_json(path)
    urls, captions = (_list(path, values, key) for key in ("image_urls", "captions"))
    if len(urls) != len(captions):
        raise DataError(f"{path}: {len(urls)} image_urls and {len(captions)} captions; they must be one each")
    start, stop = rows.bounds(len(urls))
    return pd.DataFrame(
        {
            "row": range(start, stop),
            "url": [_text(url) for url in urls[start:stop]],
            "caption": [_text(caption) for caption in captions[start:stop]],
        }
    )


def read_coco(path: Path, rows: RowSlice) -> pd.DataFrame:
    """Reads COCO's captions: one row a caption, in the order of ``annotations``.

    Args:
        path: json file; it is read whole whatever the slice.
        rows: which of its captions.

    Returns:
        ``row``, ``url`` (``coco_url``, or else ``flickr_url``), ``caption``, ``width``, ``height``, ``licence``.

    Raises:
        DataError: naming the file and what is wrong with it.
    """
    values = read_json(path)
    images, annotations = (_list(path, values, key) for key in ("images", "annotations"))
    start, stop = rows.bounds(len(annotations))
    try:
        licences = {licence["id"]: licence["name"] for licence in values.get("licenses", [])}
        facts = {image["id"]: _facts(image, licences) for image in images}
        found = [
            {"row": row, "caption": _text(caption["caption"]), **facts[caption["image_id"]]}
            for row, caption in enumerate(annotations[start:stop], start)
        ]
    except KeyError as error:
        raise DataError(f"{path}: not in COCO's captions layout: the key or image {error} is missing") from error
    except (TypeError, AttributeError) as error:
        raise DataError(f"{path}: not in COCO's captions layout: {error}") from error
    return pd.DataFrame(found, columns=["row", "url", "caption", "width", "height", "licence"])


def _facts(image: dict[str, Any], licences: dict[Any, str]) -> dict[str, Any]:
    return {
        "url": _text(image.get("coco_url")) or _text(image.get("flickr_url")),
        "width": _side(image.get("width")),
        "height": _side(image.get("height")),
        "licence": _text(licences.get(image.get("license"))),
    }


def _list(path: Path, values: Any, key: str) -> list:
    found = values.get(key) if isinstance(values, dict) else None
    if not isinstance(found, list):
        raise DataError(f"{path}: the list {key!r} is missing; check the format of the source")
    return found


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _side(value: Any) -> float | None:
    return value if isinstance(value, int | float) and 0 < value < 2**31 else None
