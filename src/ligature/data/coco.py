"""Reader of COCO's layout: captions with images."""

from pathlib import Path

import pandas as pd

from ligature.data.dataset import Dataset, captioned_dataset
from ligature.data.files import read_json, safe_join
from ligature.errors import DataError


def read_coco(images: Path, captions: Path, *, name: str = "coco", split: str = "val") -> Dataset:
    """Reads COCO captions.

    Args:
        images: folder of the images.
        captions: the annotation file, with ``images`` (id, file_name) and ``annotations`` (id, image_id, caption).
        name: of the data set in the study.
        split: of the original.

    Raises:
        DataError: naming the file and what is wrong with it.
    """
    values = read_json(captions)
    try:
        image_rows = [
            {"id": str(image["id"]), "path": str(safe_join(images, image["file_name"], captions))}
            for image in values["images"]
        ]
        caption_rows = [
            {"image_id": str(caption["image_id"]), "text": caption["caption"]}
            for caption in sorted(values["annotations"], key=lambda caption: caption["id"])
        ]
    except KeyError as error:
        raise DataError(f"{captions}: not in COCO's captions layout: the key {error} is missing") from error
    except TypeError as error:
        raise DataError(f"{captions}: not in COCO's captions layout: {error}") from error
    image_table = pd.DataFrame(image_rows, columns=["id", "path"])
    caption_table = pd.DataFrame(caption_rows, columns=["image_id", "text"])
    return captioned_dataset(name, split, image_table, caption_table, str(captions))
