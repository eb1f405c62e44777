"""ImageNet in the layout of its challenge, and ImageNetV2."""

import re
from pathlib import Path

from ligature.data.benchmarks.labelled import (
    LabelledImages,
    existing_folder,
    image_files,
    label_images,
    list_lines,
    listed_image,
)
from ligature.data.benchmarks.synsets import MAPPING, read_mapping
from ligature.errors import DataError

SOLUTION = "LOC_val_solution.csv"
SYNSET = re.compile(r"_(n[0-9]{8})$")
"""How the names of the Hub's images end: in the synset they bear."""


def read_imagenet(root: Path, split: str) -> LabelledImages:
    """Reads ImageNet: one folder a synset, or a flat one.

    The flat folder is that of the challenge with ``LOC_val_solution.csv``, or that of the Hub's archives, whose files
    are named ``ILSVRC2012_val_00000001_n01751748.JPEG``.

    Class keys are synset ids. Names are those of ``LOC_synset_mapping.txt``, empty without that file.

    Raises:
        DataError: when folders and mapping disagree, or a listed image is missing.
    """
    folder = existing_folder(root, split, f"ILSVRC/Data/CLS-LOC/{split}")
    mapping, solution = read_mapping(root), root / SOLUTION
    folders = _folder_names(folder)
    if split == "val" and not folders and solution.is_file():
        return _flat(root, folder, mapping, solution)
    if not folders:
        return _by_name(root, folder, mapping)
    if mapping is None:
        mapping = dict.fromkeys(folders, "")
    _check_folders(folder, folders, list(mapping), root)
    files = ((file, key) for key in mapping for file in image_files(folder / key))
    return label_images(root, mapping, files, folder)


def read_imagenet_v2(root: Path, split: str) -> LabelledImages:
    """Reads ImageNetV2, matched frequency: folders 0 to 999, in the order of ImageNet's synset ids.

    With ImageNet's ``LOC_synset_mapping.txt`` beside the images, class keys are synset ids; without it, the numbers.

    Raises:
        DataError: when folders and mapping disagree.
    """
    folder = existing_folder(root, "imagenetv2-matched-frequency-format-val", "imagenetv2-matched-frequency", ".")
    mapping, folders = read_mapping(root), _folder_names(folder)
    numbers = [str(number) for number in range(len(folders if mapping is None else mapping))]
    classes = dict.fromkeys(numbers, "") if mapping is None else dict(sorted(mapping.items()))
    _check_folders(folder, folders, numbers, root)
    numbered = zip(numbers, classes, strict=True)
    return label_images(
        root, classes, ((file, key) for number, key in numbered for file in image_files(folder / number)), folder
    )


def _flat(root: Path, folder: Path, mapping: dict[str, str] | None, solution: Path) -> LabelledImages:
    """Reads ``image id, synset and boxes`` rows; an image bears one synset, however many boxes it has."""
    files = []
    for line in list_lines(solution)[1:]:
        image, _, boxes = line.partition(",")
        if not boxes.split():
            raise DataError(f"{solution}: expected an image, a comma and a synset id, got {line[:60]!r}")
        files.append((listed_image(folder, f"{image}.JPEG", solution), boxes.split()[0]))
    if mapping is None:
        mapping = dict.fromkeys(sorted({key for _, key in files}), "")
    return label_images(root, mapping, files, solution)


def _by_name(root: Path, folder: Path, mapping: dict[str, str] | None) -> LabelledImages:
    """Reads a flat folder of images whose names end in their synset."""
    files = []
    for file in image_files(folder):
        synset = SYNSET.search(file.stem)
        if synset is None:
            raise DataError(f"{file}: neither in the folder of a synset nor named by one; unpack the release again")
        files.append((file, synset[1]))
    if not files:
        raise DataError(f"{folder}: no class folder and no image; unpack the release again")
    if mapping is None:
        mapping = dict.fromkeys(sorted({key for _, key in files}), "")
    return label_images(root, mapping, files, folder)


def _folder_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def _check_folders(folder: Path, folders: list[str], keys: list[str], root: Path) -> None:
    odd = sorted(set(folders) ^ set(keys))
    if odd or not keys:
        what = f"class {odd[0]!r} stands in only one of the folders and the class list" if odd else "no class folder"
        raise DataError(f"{folder}: {what}; unpack the release again, and compare with {root / MAPPING} if it is there")
