"""Reader of ImageNet's layout: one folder of images a class."""

from collections.abc import Sequence
from pathlib import Path

from ligature.data.benchmarks.labelled import LabelledImages, image_files, label_images
from ligature.data.dataset import Dataset
from ligature.data.files import safe_join
from ligature.data.prompts import read_class_names, read_prompts
from ligature.errors import DataError
from ligature.params.texts import PromptParams


def list_image_folders(images: Path, classes: Path) -> LabelledImages:
    """Lists one folder of images a class.

    Args:
        images: folder of the class folders.
        classes: file of folder and class names, in the order of labels.

    Raises:
        DataError: for folders without a class, classes without a folder or without an image.
    """
    if not images.is_dir():
        raise DataError(f"{images}: no such folder; check the path in the study's datasets")
    class_names = read_class_names(classes)
    strangers = sorted(path.name for path in images.iterdir() if path.is_dir() and path.name not in class_names)
    if strangers:
        raise DataError(f"{images / strangers[0]}: folder has no line in {classes}; add its class name or move it away")
    files = []
    for folder in class_names:
        found = image_files(safe_join(images, folder, classes))
        if not found:
            raise DataError(f"{images / folder}: no image for this class of {classes}; add images or remove the line")
        files += [(file, folder) for file in found]
    return label_images(images, class_names, files, classes)


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
    found = list_image_folders(images, classes)
    prompts = read_prompts(PromptParams(templates=list(templates)), found.classes, Path)
    return Dataset(name, split, found.images, prompts, list(found.classes.values()))
