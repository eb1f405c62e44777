"""Which texts belong to which images of a set that models are trained on or measured with."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ligature.data.images import image_bytes, short_sha256
from ligature.data.parts import count_parts, open_part
from ligature.errors import DataError
from ligature.progress import say
from ligature.store import Layout
from ligature.store.hashing import hash_strings

WORKERS = 2
"""Threads that read and decode images."""


@dataclass(frozen=True, eq=False)
class Captions:
    """A set with its own captions alone or, where it is labelled, with the own prompts of every image's class.

    Images without a caption are left out.

    Attributes:
        name: in the study.
        images: one row an image: ``id``, ``path`` and, where they are labelled, ``label``.
        texts: one row a text, however many images share it: ``id``, ``image_id`` or ``label``, ``text``.
        image_of_text: [m] image row of each caption.
        text_rows: [m] row of ``texts`` of each caption.
        items_hash: of the ids of all images, by which a store of their captions is known; None where they are
            labelled, since prompts do not depend on them.
    """

    name: str
    images: pd.DataFrame
    texts: pd.DataFrame
    image_of_text: np.ndarray
    text_rows: np.ndarray
    items_hash: str | None

    @property
    def captions(self) -> list[str]:
        """The m captions; images of one class have the same ones."""
        return self.texts["text"].to_numpy(object)[self.text_rows].tolist()

    @property
    def owners(self) -> list[str]:
        """The ids [m] of the image of each caption."""
        return self.images["id"].to_numpy(object)[self.image_of_text].tolist()


def load_captions(layout: Layout, name: str) -> Captions:
    """Reads a captioned or labelled data set or a downloaded set, all its parts.

    Raises:
        DataError: naming the file, row or key that is wrong.
    """
    parts = [open_part(layout, name, part).of_variant() for part in range(count_parts(layout, name))]
    images = pd.concat([part.images for part in parts], ignore_index=True)
    texts = pd.concat([part.texts for part in parts], ignore_index=True)
    if parts[0].class_names is not None:
        return Captions(name, images, texts, *prompts_of_images(images["label"], texts["label"]), items_hash=None)
    items_hash = hash_strings(hash_strings(part.images["id"]) for part in parts)
    captioned = images["id"].isin(texts["image_id"])
    if not captioned.all():
        say(f"{name}: {(~captioned).sum():,} images without a caption are left out")
    images = images[captioned].reset_index(drop=True)
    owners = pd.Index(images["id"]).get_indexer(texts["image_id"])
    return Captions(name, images, texts, owners, np.arange(len(texts)), items_hash)


def prompts_of_images(image_labels: pd.Series, prompt_labels: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Returns image row [m] and prompt row [m] of every image with every prompt of its class, image after image."""
    images = pd.DataFrame({"label": image_labels.to_numpy(), "image": np.arange(len(image_labels))})
    prompts = pd.DataFrame({"label": prompt_labels.to_numpy(), "prompt": np.arange(len(prompt_labels))})
    pairs = images.merge(prompts, on="label").sort_values(["image", "prompt"])
    return pairs["image"].to_numpy(), pairs["prompt"].to_numpy()


def hash_captions(captions: Captions) -> str:
    """Returns a hash of all that is trained on: the bytes of the images, and the captions with their images.

    Raises:
        DataError: naming an image that cannot be read.
    """
    with ThreadPoolExecutor(WORKERS) as threads:
        images = hash_strings(threads.map(hash_image, captions.images["path"]))
    return hash_strings([images, *captions.owners, *captions.captions])


def hash_image(path: str) -> str:
    """Returns a hash of the bytes of an image's file; of raw pixels inside a file, of these.

    Raises:
        DataError: naming an image that cannot be read.
    """
    try:
        return short_sha256(image_bytes(path))
    except ValueError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: ValueError) -> DataError:
    """Returns the error of an image that cannot be read, with the remedy."""
    return DataError(f"{path}: {error}; replace it or remove it from the data set")
