"""The birds of CUB-200-2011: four lists of numbers that belong together."""

from pathlib import Path

from ligature.data.benchmarks.labelled import (
    LabelledImages,
    existing_folder,
    label_images,
    list_lines,
    listed_image,
    readable,
)
from ligature.errors import DataError

IN_TRAIN = {"train": "1", "test": "0"}


def read_cub_200(root: Path, split: str) -> LabelledImages:
    """Reads the official split; class keys are folder names such as ``001.Black_footed_Albatross``.

    Raises:
        DataError: for a class number out of range, or an image that one of the lists lacks.
    """
    folder = existing_folder(root, "images")
    listing, labels = root / "images.txt", root / "image_class_labels.txt"
    names, numbers, keys = _numbered(listing), _numbered(labels), _numbered(root / "classes.txt")
    in_train = _numbered(root / "train_test_split.txt")
    files = []
    for image, name in names.items():
        if image not in numbers or image not in in_train:
            raise DataError(f"{listing}: image {image} stands in only some of the lists; unpack the release again")
        if numbers[image] not in keys:
            raise DataError(f"{labels}: class {numbers[image]} of image {image} is out of range 1 to {len(keys)}")
        if in_train[image] == IN_TRAIN[split]:
            files.append((listed_image(folder, name, listing), keys[numbers[image]]))
    classes = {key: readable(key.partition(".")[2] or key) for key in keys.values()}
    return label_images(root, classes, files, root / "classes.txt")


def _numbered(path: Path) -> dict[str, str]:
    """Reads lines of a number and a value."""
    rows = {}
    for line in list_lines(path):
        number, _, value = line.partition(" ")
        if not number.isdecimal() or not value.strip() or number in rows:
            raise DataError(f"{path}: expected a new number and a value, got {line[:60]!r}; unpack the release again")
        rows[number] = value.strip()
    return rows
