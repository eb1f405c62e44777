"""Reader of Pascal Context: label maps of 459 labels as Matlab files, reduced to the 59 classes of its protocol."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ligature.data.files import read_lines, safe_join
from ligature.data.images import MAX_PIXELS
from ligature.data.masks import VOID, read_listed
from ligature.errors import DataError

RENAMED = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
"""Classes of the short list that the long list of labels calls otherwise."""
INTEGERS = {"uint8", "uint16", "uint32", "int8", "int16", "int32"}


@dataclass(frozen=True)
class LabelTable:
    """From the labels of the files to classes.

    Attributes:
        class_names: as the short list writes them, in its order.
        class_of_label: [labels + 1] uint8 class of every label, 255 for labels that are no class; label 0 is none.
    """

    class_names: list[str]
    class_of_label: np.ndarray


def read_pascal_context(root: Path, *, split: str) -> pd.DataFrame:
    """Lists the images and label maps of one split.

    Args:
        root: folder with ``JPEGImages``, ``trainval`` and the list ``<split>.txt``, or, as VOC 2010 comes,
            ``ImageSets/Main/<split>.txt``, whose images are those of Pascal Context.
        split: name of the list.

    Returns:
        Columns ``id``, ``path``, ``mask``.

    Raises:
        DataError: naming the file that is missing.
    """
    listing = safe_join(root, f"{split}.txt", root)
    if not listing.is_file() and (released := safe_join(root / "ImageSets" / "Main", f"{split}.txt", root)).is_file():
        listing = released
    return read_listed(listing, (root / "JPEGImages", ".jpg"), (root / "trainval", ".mat"))


def read_label_table(root: Path) -> LabelTable:
    """Reads ``labels.txt`` and ``59_labels.txt``; the two are joined by name, since their numbers differ.

    Raises:
        DataError: naming the line that is no label, or the class without a label.
    """
    labels = _read_numbered(root / "labels.txt")
    classes = _read_numbered(root / "59_labels.txt")
    number_of_label = {name: number for number, name in labels.items()}
    class_of_label = np.full(max(labels) + 1, VOID, dtype=np.uint8)
    for index, name in enumerate(classes.values()):
        known = name if name in number_of_label else RENAMED.get(name)
        if known not in number_of_label:
            raise DataError(f"{root / '59_labels.txt'}: class {name!r} is not in labels.txt; correct one of them")
        class_of_label[number_of_label[known]] = index
    return LabelTable(list(classes.values()), class_of_label)


def _read_numbered(path: Path) -> dict[int, str]:
    """Reads lines of the form ``1: accordion``."""
    names: dict[int, str] = {}
    for line_number, line in enumerate(read_lines(path), start=1):
        number, _, name = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not (number.isdecimal() and len(number) < 6 and name) or int(number) in names:
            raise DataError(f"{path}, line {line_number}: expected a new number, a colon and a name, got {line[:60]!r}")
        names[int(number)] = name
    if not 0 < len(set(names.values())) == len(names):
        raise DataError(f"{path}: it is empty or a name stands twice; download it again")
    return names


def read_label_map(path: Path, table: LabelTable) -> np.ndarray:
    """Reads the label map of one image.

    Returns:
        [height, width] uint8 class, 255 void.

    Raises:
        DataError: when the file has no such map, or a label that the table has not.
    """
    labels = _load_label_map(path).astype(np.int64)
    unknown = labels[(labels < 0) | (labels >= len(table.class_of_label))]
    if len(unknown):
        raise DataError(f"{path}: label {unknown[0]} is not one of {len(table.class_of_label) - 1} labels")
    return table.class_of_label[labels]


def _load_label_map(path: Path) -> np.ndarray:
    """Reads the variable ``LabelMap`` after a look at its kind and size; no other is read, and no object made."""
    from scipy.io import loadmat, whosmat

    try:
        (shape, kind), *_ = [facts for name, *facts in whosmat(path) if name == "LabelMap"] or [((), "missing")]
        if kind not in INTEGERS or len(shape) != 2 or not 0 < np.prod(shape) <= MAX_PIXELS:
            raise DataError(f"{path}: LabelMap is {kind} of shape {tuple(shape)}, expected a matrix of integers")
        return loadmat(path, variable_names=["LabelMap"])["LabelMap"]
    except DataError:
        raise
    except Exception as error:  # what the reader raises on broken files is of every kind
        raise DataError(f"{path}: cannot be read as a label map ({' '.join(str(error).split())[:80]})") from error
