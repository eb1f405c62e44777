"""Writers of the original file formats: COCO captions, ImageNet folders, VOC masks."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ligature.data.scenes.vocabulary import SHAPES
from ligature.store.atomic import write_json, write_text

JPEG_QUALITY = 92


def write_jpeg(path: Path, picture: np.ndarray) -> None:
    """Writes a uint8 (height, width, 3) picture with full colour resolution."""
    Image.fromarray(picture).save(path, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Writes a uint8 (height, width) mask of class indices as a palette PNG with the VOC colours."""
    image = Image.fromarray(mask, "P")
    image.putpalette(voc_palette())
    image.save(path, "PNG")


@cache
def voc_palette() -> list[int]:
    """Returns the 256 VOC colours, three values each: index bits spread over the high bits of R, G and B."""
    palette = []
    for index in range(256):
        bits = [[index >> (3 * step + channel) & 1 for step in range(3)] for channel in range(3)]
        palette += [sum(bit << (7 - step) for step, bit in enumerate(channel)) for channel in bits]
    return palette


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes one JSON object a line."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_coco_captions(
    path: Path, file_names: Sequence[str], captions: Sequence[Sequence[str]], image_size: int
) -> None:
    """Writes a COCO captions file; images are numbered from 1, captions follow one another."""
    images = [
        {"id": number, "file_name": name, "width": image_size, "height": image_size, "license": 1}
        for number, name in enumerate(file_names, 1)
    ]
    flat = [(number, text) for number, texts in enumerate(captions, 1) for text in texts]
    annotations = [{"id": number, "image_id": image, "caption": text} for number, (image, text) in enumerate(flat, 1)]
    info = {"description": "Ligature procedural scenes", "version": "1.0", "contributor": "Ligature"}
    licenses = [{"id": 1, "name": "Apache License 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}]
    write_json(path, {"info": info, "licenses": licenses, "images": images, "annotations": annotations})


def wordnet_id(class_index: int) -> str:
    """Returns the folder name of a class, in the form of a WordNet id; class 0 is ``n00000001``."""
    return f"n{class_index + 1:08d}"


def write_class_table(path: Path, names: Sequence[str]) -> None:
    """Writes one line a class: folder name, tab, class name; no header."""
    write_text(path, "".join(f"{wordnet_id(index)}\t{name}\n" for index, name in enumerate(names)))


def write_voc_classes(path: Path) -> None:
    """Writes the class of every mask index, one a line, ``background`` first."""
    write_text(path, "\n".join(("background", *SHAPES)) + "\n")
