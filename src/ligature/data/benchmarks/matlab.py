"""Releases with MATLAB files: Stanford cars and the Oxford flowers."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from ligature.data.benchmarks.labelled import LabelledImages, existing_folder, label_images, listed_image
from ligature.data.files import read_json
from ligature.errors import DataError

MAX_MAT_BYTES = 64 << 20
MAX_ROWS = 1_000_000
FLOWER_NAMES = Path(__file__).with_name("flowers_102.json")
FLOWER_SETS = {"train": "trnid", "val": "valid", "test": "tstid"}


def read_stanford_cars(root: Path, split: str) -> LabelledImages:
    """Reads the Stanford cars: ``devkit`` with ``cars_test`` and ``cars_train``, or ``cars_annos.mat``.

    Class keys are the names of the release.

    Raises:
        DataError: for a class number out of range.
    """
    if (root / "devkit" / "cars_meta.mat").is_file():
        names = _column(root / "devkit" / "cars_meta.mat", "class_names")
        listing = _cars_annotations(root, split)
        table, folder, field = _column(listing, "annotations"), existing_folder(root, f"cars_{split}"), "fname"
    else:
        listing = root / "cars_annos.mat"
        names, table = _column(listing, "class_names"), _column(listing, "annotations")
        folder, field = root, "relative_im_path"
        table = table[_numbers(_field(table, "test", listing), listing) == (split == "test")]
    keys = [str(name) for name in names]
    numbers = _in_range(_numbers(_field(table, "class", listing), listing), len(keys), "class", listing)
    files = [
        (listed_image(folder, str(name), listing), keys[number - 1])
        for name, number in zip(_field(table, field, listing), numbers, strict=True)
    ]
    return label_images(root, {key: key for key in keys}, files, listing)


def read_flowers_102(root: Path, split: str) -> LabelledImages:
    """Reads the Oxford flowers: ``imagelabels.mat``, ``setid.mat`` and ``jpg``; class keys are ``1`` to ``102``.

    The release has no file of names; they stand in the package, in the order of the release's page.

    Raises:
        DataError: for a label or an image number out of range.
    """
    folder, sets = existing_folder(root, "jpg"), root / "setid.mat"
    names = read_json(FLOWER_NAMES)
    labels = _numbers(_column(root / "imagelabels.mat", "labels"), root / "imagelabels.mat")
    _in_range(labels, len(names), "class", root / "imagelabels.mat")
    images = _in_range(_numbers(_column(sets, FLOWER_SETS[split]), sets), len(labels), "image", sets)
    files = [(listed_image(folder, f"image_{image:05d}.jpg", sets), str(labels[image - 1])) for image in images]
    classes = {str(number): name for number, name in enumerate(names, start=1)}
    return label_images(root, classes, files, sets)


def _cars_annotations(root: Path, split: str) -> Path:
    """Returns the annotations with labels; those of the test set were published later, beside the devkit."""
    name = "cars_test_annos_withlabels.mat" if split == "test" else "cars_train_annos.mat"
    return root / name if (root / name).is_file() else root / "devkit" / name


def _column(path: Path, name: str) -> np.ndarray:
    """Reads one variable of a MATLAB file as a vector."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); unpack the release there") from error
    if size > MAX_MAT_BYTES:
        raise DataError(f"{path}: above {MAX_MAT_BYTES >> 20} MiB, which no file of the release is; unpack it again")
    values = _load(path, name)
    if values is None:
        raise DataError(f"{path}: has no variable {name!r} of a release's size; take the file of the release")
    return np.atleast_1d(values)


def _load(path: Path, name: str) -> Any:
    """Loads one variable; None where it is missing or, before it is unpacked, says to be far too large."""
    from scipy.io import loadmat, whosmat

    try:
        sizes = {variable: math.prod(shape) for variable, shape, _ in whosmat(path)}
        if not 0 < sizes.get(name, 0) <= MAX_ROWS:
            return None
        return loadmat(path, squeeze_me=True, variable_names=[name])[name]
    except Exception as error:  # what the reader raises on broken files is of every kind
        line = " ".join(str(error).split())[:80]
        raise DataError(f"{path}: not a MATLAB file of the release ({line}); download it again") from error


def _field(table: np.ndarray, name: str, path: Path) -> list[Any]:
    if name not in (table.dtype.names or ()):
        raise DataError(f"{path}: the annotations have no field {name!r}; take the file with labels")
    return [np.asarray(value).item() if np.size(value) == 1 else None for value in table[name]]


def _numbers(values: Any, path: Path) -> np.ndarray:
    try:
        return np.asarray(values).astype(np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path}: holds something else where numbers should stand; download it again") from error


def _in_range(numbers: np.ndarray, count: int, what: str, path: Path) -> np.ndarray:
    wrong = numbers[(numbers < 1) | (numbers > count)]
    if len(wrong):
        raise DataError(f"{path}: {what} {wrong[0]} is out of range 1 to {count}; download it again")
    return numbers
