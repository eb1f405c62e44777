"""ImageNet's kin for shifts of distribution: sketches, renditions, and photographs that fool a classifier."""

from pathlib import Path

from ligature.data.benchmarks.labelled import (
    LabelledImages,
    existing_folder,
    image_files,
    label_images,
    list_lines,
)
from ligature.data.benchmarks.synsets import MAPPING, SYNSET, read_mapping
from ligature.errors import DataError

LISTING = "README.txt"
"""File of a release of some of ImageNet's classes that lists them, a line ``synset name`` each."""


def read_imagenet_sketch(root: Path, split: str) -> LabelledImages:
    """Reads ImageNet-Sketch, ``sketch``: one folder a synset, for every class of ImageNet.

    Class keys are synset ids. Names are those of ImageNet's ``LOC_synset_mapping.txt``, empty without that file.

    Raises:
        DataError: for a folder that is no class of ImageNet, or a class without a folder.
    """
    folder = existing_folder(root, "sketch", ".")
    mapping = read_mapping(root)
    return _synset_folders(root, folder, _synsets(folder) if mapping is None else list(mapping), mapping)


def read_imagenet_a(root: Path, split: str) -> LabelledImages:
    """Reads ImageNet-A, ``imagenet-a``: one folder a synset, for the classes that its ``README.txt`` lists.

    Class keys and names are as in ImageNet-Sketch.

    Raises:
        DataError: for a folder that is no class of ImageNet, or when the folders and the list disagree.
    """
    return _listed_synsets(root, "imagenet-a")


def read_imagenet_r(root: Path, split: str) -> LabelledImages:
    """Reads ImageNet-R, ``imagenet-r``, as ``read_imagenet_a`` does."""
    return _listed_synsets(root, "imagenet-r")


def read_imagenet_o(root: Path, split: str) -> LabelledImages:
    """Reads ImageNet-O, ``imagenet-o``, as ``read_imagenet_a`` does.

    Its images are of none of ImageNet's classes: the folder of an image is the class that a ResNet-50 took it for.
    """
    return _listed_synsets(root, "imagenet-o")


def _listed_synsets(root: Path, name: str) -> LabelledImages:
    folder = existing_folder(root, name, ".")
    firsts = (line.split()[0] for line in list_lines(folder / LISTING))
    return _synset_folders(root, folder, sorted({key for key in firsts if SYNSET.fullmatch(key)}), read_mapping(root))


def _synset_folders(root: Path, folder: Path, keys: list[str], mapping: dict[str, str] | None) -> LabelledImages:
    """Reads the folders of ``keys``, which are all that there may be, with the names of a mapping."""
    folders = _synsets(folder)
    strange = [key for key in folders if mapping is not None and key not in mapping]
    if strange:
        raise DataError(f"{folder / strange[0]}: no class of {root / MAPPING}; remove the folder, or unpack both again")
    odd = sorted(set(folders) ^ set(keys))
    if odd or not keys:
        what = f"class {odd[0]!r} stands in only one of the folders and the class list" if odd else "no class folder"
        raise DataError(f"{folder}: {what}; unpack the release again")
    files = ((file, key) for key in keys for file in image_files(folder / key))
    return label_images(root, {key: mapping[key] if mapping else "" for key in keys}, files, folder)


def _synsets(folder: Path) -> list[str]:
    """Returns the class folders.

    Raises:
        DataError: for a folder whose name is no synset id.
    """
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    strange = [name for name in names if not SYNSET.fullmatch(name)]
    if strange:
        raise DataError(f"{folder / strange[0]}: not named by a synset id such as n01440764; unpack the release again")
    return names
