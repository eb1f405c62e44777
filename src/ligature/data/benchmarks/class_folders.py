"""Releases with one folder of images a class: Caltech-101, EuroSAT, middle frames of UCF101."""

from collections.abc import Callable, Collection
from pathlib import Path

from ligature.data.benchmarks.labelled import (
    LabelledImages,
    existing_folder,
    image_files,
    label_images,
    list_lines,
    readable,
    words,
)
from ligature.errors import DataError


def read_caltech_101(root: Path, split: str) -> LabelledImages:
    """Reads Caltech-101 whole: ``101_ObjectCategories`` without the background class."""
    return _class_folders(root, existing_folder(root, "101_ObjectCategories"), readable, {"BACKGROUND_Google"})


def read_eurosat(root: Path, split: str) -> LabelledImages:
    """Reads EuroSAT's pictures whole: ``2750``, or ``EuroSAT_RGB`` of the later release."""
    return _class_folders(root, existing_folder(root, "2750", "EuroSAT_RGB"), words)


def read_ucf101(root: Path, split: str) -> LabelledImages:
    """Reads the middle frames of UCF101: all, or those of the first official list of the split.

    Raises:
        DataError: for a listed video without a frame.
    """
    everything = _class_folders(root, existing_folder(root, "UCF-101-midframes"), words)
    if split == "all":
        return everything
    listing = root / "ucfTrainTestlist" / f"{split}list01.txt"
    frames = {}
    keys = list(everything.classes)
    for row in everything.images.itertuples():
        frames[Path(row.path).stem.lower()] = (Path(row.path), keys[row.label])
    return label_images(
        root, everything.classes, [_frame(line, frames, listing) for line in list_lines(listing)], listing
    )


def _frame(line: str, frames: dict[str, tuple[Path, str]], listing: Path) -> tuple[Path, str]:
    """Returns the frame of a video; the lists and the videos differ in upper and lower case."""
    stem = line.split()[0].rpartition("/")[2].removesuffix(".avi").lower()
    if stem not in frames:
        raise DataError(f"{listing}: video {line[:80]!r} has no middle frame; extract the frames again")
    return frames[stem]


def _class_folders(
    root: Path, folder: Path, name: Callable[[str], str], left_out: Collection[str] = ()
) -> LabelledImages:
    """Reads the folders of ``folder`` in alphabetical order as classes."""
    keys = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name not in left_out)
    if not keys:
        raise DataError(f"{folder}: no class folder; unpack the release there")
    files = ((file, key) for key in keys for file in image_files(folder / key))
    return label_images(root, {key: name(key) for key in keys}, files, folder)
