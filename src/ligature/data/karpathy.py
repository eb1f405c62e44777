"""Reader of Karpathy's splits: one json of images, their split and their captions."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.data.dataset import Dataset, captioned_dataset
from ligature.data.files import read_json, safe_join
from ligature.data.limits import check_size
from ligature.errors import DataError
from ligature.progress import say

REST = "restval"
"""COCO's validation images outside Karpathy's val and test; they count as training images."""


def read_karpathy(images: Path, captions: Path, *, name: str = "coco", split: str = "test") -> Dataset:
    """Reads the images and captions of one split (Karpathy and Fei-Fei, CVPR 2015).

    Split ``train`` of COCO includes ``restval``, as in the literature; one line says so. An image's id is its
    ``cocoid`` where it has one, as in COCO's own files, and its file name without ending otherwise, as in Flickr's.

    Args:
        images: folder of the images; of COCO the one that holds ``train2014`` and ``val2014``.
        captions: ``dataset_coco.json``, ``dataset_flickr30k.json`` or ``dataset_flickr8k.json``: ``images``, each with
            ``filename``, ``split``, ``sentences`` (``raw``) and perhaps ``filepath`` and ``cocoid``.
        name: of the data set in the study.
        split: of the file.

    Raises:
        DataError: naming the file and what is wrong with it; a split it does not hold with those it does.
    """
    values = read_json(check_size(captions))
    try:
        entries = _entries_of(values["images"], split, captions)
        image_rows = [{"id": _image_id(entry), "path": str(_path(images, entry, captions))} for entry in entries]
        caption_rows = [
            {"image_id": row["id"], "text": sentence["raw"]}
            for row, entry in zip(image_rows, entries, strict=True)
            for sentence in entry["sentences"]
        ]
    except KeyError as error:
        raise DataError(f"{captions}: not in the layout of Karpathy's splits: the key {error} is missing") from error
    except TypeError as error:
        raise DataError(f"{captions}: not in the layout of Karpathy's splits: {error}") from error
    caption_table = pd.DataFrame(caption_rows, columns=["image_id", "text"])
    return captioned_dataset(name, split, pd.DataFrame(image_rows), caption_table, str(captions))


def _entries_of(entries: list[dict[str, Any]], split: str, where: Path) -> list[dict[str, Any]]:
    counts = Counter(str(entry["split"]) for entry in entries)
    wanted = {split, REST} if split == "train" else {split}
    if not wanted & set(counts):
        raise DataError(f"{where}: no image of split {split!r}; there are: {', '.join(sorted(counts)) or 'none'}")
    if split == "train" and counts[REST]:
        say(f"{where}: split train includes {counts[REST]:,} images of {REST}, {counts['train']:,} are of train itself")
    return [entry for entry in entries if entry["split"] in wanted]


def _image_id(entry: dict[str, Any]) -> str:
    return str(entry["cocoid"]) if "cocoid" in entry else Path(entry["filename"]).stem


def _path(images: Path, entry: dict[str, Any], where: Path) -> Path:
    folder = safe_join(images, entry["filepath"], where) if entry.get("filepath") else images
    return safe_join(folder, entry["filename"], where)
