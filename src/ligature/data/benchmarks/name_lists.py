"""Releases with text lists of image names: pets, food, aircraft, scenes, textures."""

from pathlib import Path

from ligature.data.benchmarks.labelled import (
    LabelledImages,
    existing_folder,
    image_files,
    label_images,
    list_lines,
    listed_image,
    readable,
)
from ligature.data.files import safe_join
from ligature.errors import DataError

MAX_DIGITS = 9


def read_oxford_pets(root: Path, split: str) -> LabelledImages:
    """Reads the Oxford pets: ``annotations/<split>.txt``, where the name of an image begins with its breed.

    Raises:
        DataError: for class numbers that are not 1 to their count or that name two breeds.
    """
    listing, folder = root / "annotations" / f"{split}.txt", existing_folder(root, "images")
    files, breeds = [], {}
    for line in list_lines(listing):
        if line.startswith("#"):
            continue
        name, number = [*line.split(), ""][:2]
        breed = name.rpartition("_")[0]
        known = number.isdecimal() and len(number) <= MAX_DIGITS
        if not breed or not known or breeds.setdefault(int(number), breed) != breed:
            raise DataError(f"{listing}: expected an image, the number of its breed and more, got {line[:60]!r}")
        files.append((listed_image(folder, f"{name}.jpg", listing), breed))
    if sorted(breeds) != list(range(1, len(breeds) + 1)) or len(set(breeds.values())) < len(breeds):
        raise DataError(f"{listing}: class numbers are out of range: expected 1 to {len(breeds)}, one a breed")
    return label_images(root, {breeds[number]: readable(breeds[number]) for number in sorted(breeds)}, files, listing)


def read_food_101(root: Path, split: str) -> LabelledImages:
    """Reads Food-101: ``meta/classes.txt``, ``meta/<split>.txt`` and ``images``."""
    listing, folder = root / "meta" / f"{split}.txt", existing_folder(root, "images")
    classes = {key: readable(key) for key in list_lines(root / "meta" / "classes.txt")}
    files = [(listed_image(folder, f"{line}.jpg", listing), line.rpartition("/")[0]) for line in list_lines(listing)]
    return label_images(root, classes, files, root / "meta" / "classes.txt")


def read_fgvc_aircraft(root: Path, split: str) -> LabelledImages:
    """Reads FGVC-Aircraft's variants: ``data/variants.txt``, ``data/images_variant_<split>.txt``, ``data/images``."""
    data = existing_folder(root, "data")
    listing, folder = data / f"images_variant_{split}.txt", existing_folder(data, "images")
    classes = {key: key for key in list_lines(data / "variants.txt")}
    rows = [line.partition(" ") for line in list_lines(listing)]
    files = [(listed_image(folder, f"{name}.jpg", listing), variant.strip()) for name, _, variant in rows]
    return label_images(root, classes, files, data / "variants.txt")


def read_sun397(root: Path, split: str) -> LabelledImages:
    """Reads SUN397: the first partition's ``Testing_01.txt`` or ``Training_01.txt``, or every image.

    Class keys are the lines of ``ClassName.txt`` without the first slash, such as ``a/abbey``.

    Raises:
        DataError: for a class folder that is missing.
    """
    names = root / "ClassName.txt"
    keys = [line.removeprefix("/") for line in list_lines(names)]
    classes = {key: readable(key.partition("/")[2]) for key in keys}
    if split == "all":
        folders = [(existing_folder(safe_join(root, key, names), "."), key) for key in keys]
        files = [(file, key) for folder, key in folders for file in image_files(folder) if file.parent == folder]
    else:
        listing = root / {"test": "Testing_01.txt", "train": "Training_01.txt"}[split]
        lines = [line.removeprefix("/") for line in list_lines(listing)]
        files = [(listed_image(root, line, listing), line.rpartition("/")[0]) for line in lines]
    return label_images(root, classes, files, names)


def read_dtd(root: Path, split: str) -> LabelledImages:
    """Reads the describable textures: the first partition, ``labels/<split>1.txt``, and ``images``."""
    listing, folder = root / "labels" / f"{split}1.txt", existing_folder(root, "images")
    keys = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [(listed_image(folder, line, listing), line.rpartition("/")[0]) for line in list_lines(listing)]
    return label_images(root, {key: readable(key) for key in keys}, files, listing)
