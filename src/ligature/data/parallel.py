"""Reader of parallel files, as XTD10 and Multi30k come: image names and captions, line by line."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ligature.data.dataset import Dataset, captioned_dataset
from ligature.data.files import read_lines, safe_join
from ligature.data.limits import check_size
from ligature.errors import DataError
from ligature.progress import say

COCO_TRAIN = "COCO_train2014_"
"""How names of COCO's training images of 2014 begin."""


def read_parallel(images: Path, names: Path, captions: Path, *, name: str = "parallel", split: str = "test") -> Dataset:
    """Reads one caption an image; an image's id is its file name without ending.

    XTD10 names images of COCO's ``train2014`` and ``val2014`` without their folder, so an image that does not lie in
    ``images`` is looked for in its sub-folders, one level deep.

    Args:
        images: folder of the images, or of the folders that hold them.
        names: file of image names, one a line.
        captions: file of captions, line by line those of ``names``.
        name: of the data set in the study.
        split: of the original.

    Returns:
        The data set; a note counts the images that belong to COCO's training set.

    Raises:
        DataError: naming the files whose lines do not agree, or the name that is wrong.
    """
    pairs = read_pairs(names, captions)
    stems = [Path(file).stem for file, _ in pairs]
    paths = _locate(images, [file for file, _ in pairs], names)
    image_table = pd.DataFrame({"id": stems, "path": paths}, columns=["id", "path"], dtype=object)
    caption_table = pd.DataFrame({"image_id": stems, "text": [text for _, text in pairs]}, dtype=object)
    dataset = captioned_dataset(name, split, image_table, caption_table, str(names))
    notes = training_notes([file for file, _ in pairs], names)
    for note in notes:
        say(note)
    return replace(dataset, notes=notes)


def read_pairs(names: Path, captions: Path) -> list[tuple[str, str]]:
    """Reads image names and captions that stand on the same lines of two files.

    Raises:
        DataError: when a file cannot be read, or their numbers of lines differ.
    """
    files, texts = ([line.strip() for line in read_lines(check_size(path))] for path in (names, captions))
    if len(files) != len(texts):
        raise DataError(f"{captions}: {len(texts):,} lines, but {names} has {len(files):,}; they must go together")
    return list(zip(files, texts, strict=True))


def training_notes(files: Sequence[str], where: Path) -> tuple[str, ...]:
    """Returns a note where some of the named images belong to COCO's training set (XTD10: 800 of 1,000)."""
    count = sum(Path(file).name.startswith(COCO_TRAIN) for file in files)
    note = (
        f"{where.name}: {count:,} of {len(files):,} images are of COCO's training set (train2014); "
        "results of a model that was trained on COCO are not zero-shot"
    )
    return (note,) if count else ()


def _locate(images: Path, files: Sequence[str], where: Path) -> list[str]:
    """Returns the path of every name in the folder, or in the one of its sub-folders that holds it."""
    subfolders = sorted(path for path in images.iterdir() if path.is_dir()) if images.is_dir() else []
    paths = []
    for file in files:
        direct = safe_join(images, file, where)
        found = [direct] if direct.is_file() else [folder / file for folder in subfolders if (folder / file).is_file()]
        if len(found) > 1:
            raise DataError(f"{where}: {file!r} lies in {found[0].parent} and in {found[1].parent}; move one away")
        paths.append(str(found[0] if found else direct))
    return paths
