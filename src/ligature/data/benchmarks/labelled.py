"""What every layout is read into: classes in the order of labels, and the images that bear them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ligature.data.files import read_lines, safe_join
from ligature.data.limits import check_size
from ligature.errors import DataError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class LabelledImages:
    """Images of one split with their classes.

    Attributes:
        classes: keys and readable names, in the order of labels; a name is empty where the release has none.
        images: ``id``, ``path`` and ``label``, in the order of labels and, within, of ids.
    """

    classes: dict[str, str]
    images: pd.DataFrame


def label_rows(classes: Mapping[str, str], rows: Iterable[tuple[str, str, str]], where: Path) -> LabelledImages:
    """Puts images in the order of labels and ids.

    Args:
        classes: keys and names in the order of labels.
        rows: id, path and class key of every image.
        where: file or folder that the classes come from, named in errors.

    Raises:
        DataError: for a class key that is unknown, an image that stands twice or a class without an image.
    """
    label_of = {key: label for label, key in enumerate(classes)}
    labelled = []
    for identity, path, key in rows:
        if key not in label_of:
            raise DataError(f"{path}: its class {key!r} is not in {where}; the class list and the images disagree")
        labelled.append((label_of[key], identity, path))
    labelled.sort()
    images = pd.DataFrame(labelled, columns=["label", "id", "path"])[["id", "path", "label"]]
    doubled = images["id"][images["id"].duplicated()]
    if len(doubled):
        raise DataError(f"{where}: image {doubled.iloc[0]!r} stands twice in its split; remove one of them")
    without = sorted(set(label_of.values()) - set(images["label"]))
    if without:
        raise DataError(f"{where}: class {list(classes)[without[0]]!r} has no image; unpack the release again")
    return LabelledImages(dict(classes), images.astype({"label": int}))


def label_images(
    root: Path, classes: Mapping[str, str], files: Iterable[tuple[Path, str]], where: Path
) -> LabelledImages:
    """Labels image files below ``root``; their ids are their paths from there.

    Args:
        root: folder of the release.
        classes: keys and names in the order of labels.
        files: path and class key of every image.
        where: file or folder that the classes come from, named in errors.

    Raises:
        DataError: as ``label_rows`` does.
    """
    return label_rows(classes, ((file.relative_to(root).as_posix(), str(file), key) for file, key in files), where)


def list_lines(path: Path) -> list[str]:
    """Reads the lines of a list, without surrounding space and without empty ones.

    Raises:
        DataError: when the file cannot be read or is too large for a list.
    """
    return [line.strip() for line in read_lines(check_size(path)) if line.strip()]


def listed_image(folder: Path, name: str, listing: Path) -> Path:
    """Returns the path of an image that a list names.

    Raises:
        DataError: when the name leaves the folder or there is no such file.
    """
    path = safe_join(folder, name, listing)
    if not path.is_file():
        raise DataError(f"{path}: missing, though {listing} names it; unpack the release again")
    return path


def existing_folder(root: Path, *names: str) -> Path:
    """Returns the first of these folders below ``root`` that exists; ``.`` stands for ``root`` itself.

    Raises:
        DataError: when there is none.
    """
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise DataError(f"{root / names[0]}: no such folder; unpack the release there, or check the root of the data set")


def image_files(folder: Path) -> list[Path]:
    """Lists the images of a folder and of those below it, sorted."""
    files = folder.rglob("*") if folder.is_dir() else []
    return sorted(file for file in files if file.suffix.lower() in IMAGE_ENDINGS)


def readable(key: str) -> str:
    """Returns a class key as words: underscores and slashes become spaces."""
    return " ".join(key.replace("_", " ").replace("/", " ").split())


def words(key: str) -> str:
    """Returns a class key in camel case as lower-case words."""
    return readable(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key)).lower()
