"""Items of a written world's evaluation splits, to be planted in its pool."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ligature.data.files import read_json
from ligature.data.scenes.files import wordnet_id
from ligature.data.scenes.scene import class_names

LEAKS = 10
"""Items taken of the captioned and of the labelled evaluation split."""


@dataclass(frozen=True)
class Leak:
    """A caption and the JPEG file of one evaluation item."""

    caption: str
    jpeg_bytes: bytes


def find_leaks(world: Path, coco: Iterable[str], imagenet: Iterable[str]) -> list[Leak]:
    """Returns a few items of the first captioned and the first labelled split that are not called ``train...``.

    Args:
        world: folder of the world, whose sets are already written.
        coco: its captioned splits.
        imagenet: its labelled splits; the class name serves as caption.
    """
    captioned = [_of_captions(world / "coco", split) for split in _evaluated(coco)]
    labelled = [_of_labels(world / "imagenet" / split) for split in _evaluated(imagenet)]
    return [leak for items in captioned + labelled for leak in items]


def _evaluated(splits: Iterable[str]) -> list[str]:
    return [split for split in splits if not split.startswith("train")][:1]


def _of_captions(folder: Path, split: str) -> list[Leak]:
    table = read_json(folder / "annotations" / f"captions_{split}.json")
    first_captions = {row["image_id"]: row["caption"] for row in reversed(table["annotations"])}
    return [
        Leak(first_captions[image["id"]], (folder / split / image["file_name"]).read_bytes())
        for image in table["images"][:LEAKS]
    ]


def _of_labels(folder: Path) -> list[Leak]:
    step = -(-len(class_names()) // LEAKS)
    first_images = [
        (name, folder / wordnet_id(index) / f"{wordnet_id(index)}_1.JPEG")
        for index, name in list(enumerate(class_names()))[::step]
    ]
    return [Leak(name, path.read_bytes()) for name, path in first_images if path.exists()]
