"""Reader of DOCCI: images with one long description each."""

import json
from pathlib import Path

import pandas as pd

from ligature.data.dataset import Dataset, captioned_dataset
from ligature.data.files import read_lines, safe_join
from ligature.data.limits import check_size
from ligature.errors import DataError


def read_docci(images: Path, captions: Path, *, name: str = "docci", split: str = "test") -> Dataset:
    """Reads the images of one split of DOCCI (Onoe et al., ECCV 2024); the description is the caption.

    Args:
        images: folder of the images.
        captions: ``docci_descriptions.jsonlines``: objects with ``example_id``, ``image_file``, ``split`` and
            ``description``.
        name: of the data set in the study.
        split: ``train``, ``test``, ``qual_dev`` or ``qual_test``.

    Raises:
        DataError: naming the file and line that is wrong, or a split it does not hold.
    """
    image_rows, caption_rows, splits = [], [], set()
    for number, line in enumerate(read_lines(check_size(captions)), start=1):
        try:
            values = json.loads(line)
            splits.add(str(values["split"]))
            if values["split"] == split:
                path = safe_join(images, values["image_file"], captions)
                image_rows.append({"id": str(values["example_id"]), "path": str(path)})
                caption_rows.append({"image_id": str(values["example_id"]), "text": values["description"]})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"{captions}, line {number}: not a description of DOCCI; download it again") from error
    if not image_rows:
        raise DataError(f"{captions}: no image of split {split!r}; there are: {', '.join(sorted(splits)) or 'none'}")
    return captioned_dataset(name, split, pd.DataFrame(image_rows), pd.DataFrame(caption_rows), str(captions))
