"""Reader of ImageNet's layout: one folder of images a class."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ligature.data.dataset import Dataset
from ligature.errors import DataError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def read_class_names(path: Path) -> list[tuple[str, str]]:
    """Reads a tab-separated file of (folder name, class name) rows; of synonyms after commas the first counts.

    Raises:
        DataError: naming the file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path in the study's datasets") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        folder, tab, names = line.partition("\t")
        first = names.split(",")[0].strip()
        if not (tab and folder.strip() and first):
            raise DataError(f"{path}, line {number}: expected a folder name, a tab and a class name, got {line[:60]!r}")
        rows.append((folder.strip(), first))
    folders = [folder for folder, _ in rows]
    for folder in folders:
        if folders.count(folder) > 1:
            raise DataError(f"{path}: class folder {folder!r} stands twice; remove one line")
    return rows


def read_image_folders(
    images: Path, classes: Path, *, templates: Sequence[str], name: str = "imagenet", split: str = "val"
) -> Dataset:
    """Reads one folder of images a class; texts are the class names in every template.

    Args:
        images: folder of the class folders.
        classes: file of folder and class names, in the order of labels.
        templates: prompts with ``{}`` for the class name.
        name: of the data set in the study.
        split: of the original.

    Raises:
        DataError: for folders without a class, classes without a folder or without an image.
    """
    if not images.is_dir():
        raise DataError(f"{images}: no such folder; check the path in the study's datasets")
    rows = read_class_names(classes)
    known = {folder for folder, _ in rows}
    strangers = sorted(path.name for path in images.iterdir() if path.is_dir() and path.name not in known)
    if strangers:
        raise DataError(f"{images / strangers[0]}: folder has no line in {classes}; add its class name or move it away")
    image_rows = []
    for label, (folder, _) in enumerate(rows):
        files = _image_files(images / folder)
        if not files:
            raise DataError(f"{images / folder}: no image for this class of {classes}; add images or remove the line")
        image_rows += [{"id": f"{folder}/{file.stem}", "path": str(file), "label": label} for file in files]
    class_names = [class_name for _, class_name in rows]
    prompts = [
        {"id": f"{label}#{number}", "label": label, "text": template.format(class_name)}
        for label, class_name in enumerate(class_names)
        for number, template in enumerate(templates)
    ]
    return Dataset(name, split, pd.DataFrame(image_rows), pd.DataFrame(prompts), class_names)


def _image_files(folder: Path) -> list[Path]:
    files = folder.rglob("*") if folder.is_dir() else []
    return sorted(file for file in files if file.suffix.lower() in IMAGE_ENDINGS)
