"""Reader of ImageNet's layout: one folder of images a class."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ligature.data.dataset import Dataset
from ligature.data.files import read_lines, safe_join
from ligature.errors import DataError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def read_class_names(path: Path) -> dict[str, str]:
    """Reads a tab-separated file of folder and class names, in order; of synonyms after commas the first counts.

    Raises:
        DataError: naming the file and line.
    """
    class_names: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        folder, class_name = (part.strip() for part in line.split(",")[0].partition("\t")[::2])
        if not (folder and class_name):
            raise DataError(f"{path}, line {number}: expected a folder name, a tab and a class name, got {line[:60]!r}")
        if folder in class_names:
            raise DataError(f"{path}, line {number}: class folder {folder!r} stands twice; remove one line")
        class_names[folder] = class_name
    return class_names


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
    class_names = read_class_names(classes)
    strangers = sorted(path.name for path in images.iterdir() if path.is_dir() and path.name not in class_names)
    if strangers:
        raise DataError(f"{images / strangers[0]}: folder has no line in {classes}; add its class name or move it away")
    image_rows = []
    for label, folder in enumerate(class_names):
        files = _image_files(safe_join(images, folder, classes))
        if not files:
            raise DataError(f"{images / folder}: no image for this class of {classes}; add images or remove the line")
        image_rows += [{"id": file.relative_to(images).as_posix(), "path": str(file), "label": label} for file in files]
    prompts = [
        {"id": f"{label}#{number}", "label": label, "text": template.replace("{}", class_name)}
        for label, class_name in enumerate(class_names.values())
        for number, template in enumerate(templates)
    ]
    return Dataset(name, split, pd.DataFrame(image_rows), pd.DataFrame(prompts), list(class_names.values()))


def _image_files(folder: Path) -> list[Path]:
    files = folder.rglob("*") if folder.is_dir() else []
    return sorted(file for file in files if file.suffix.lower() in IMAGE_ENDINGS)
