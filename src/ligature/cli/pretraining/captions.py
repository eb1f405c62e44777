"""Which texts belong to which images of a set that encoders are trained on, and the vectors of their meanings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ligature.cli.features import open_store, own_rows
from ligature.data.parts import count_parts, open_part
from ligature.errors import StoreError
from ligature.progress import say
from ligature.store import EmbeddingStore, Layout
from ligature.store.hashing import hash_strings
from ligature.store.reader import require_encoder
from ligature.store.rows import Rows


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


class SharedRows:
    """Rows of an array on disk in any order and as often as wanted; an array in memory comes of those asked for.

    Attributes:
        shape: of all rows together.
        dtype: of the array.
    """

    def __init__(self, vectors: Rows, rows: np.ndarray) -> None:
        """Takes the array [n, ...] and the row [m] of it that stands in each place."""
        self._vectors, self._rows = vectors, rows
        self.shape, self.dtype = (len(rows), *vectors.shape[1:]), vectors.dtype

    def __len__(self) -> int:
        """Returns the number of places."""
        return len(self._rows)

    def __getitem__(self, places: np.ndarray | slice) -> np.ndarray:
        """Returns the rows that stand in these places."""
        return self._vectors[self._rows[places]]


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


def load_semantics(layout: Layout, encoder: str, sets: Sequence[Captions]) -> Rows:
    """Returns the stored vectors [m, s] of the captions of sets, one set after the other, from disk.

    Raises:
        StoreError: when they are not embedded, were embedded of other images or texts, or not by one encoder.
    """
    stores = [open_store(layout, encoder, captions.name) for captions in sets]
    for store in stores[1:]:
        require_encoder(store, stores[0].encoder, stores[0].folders[0])
    return Rows([_of_captions(store, captions, encoder) for store, captions in zip(stores, sets, strict=True)])


def _of_captions(store: EmbeddingStore, captions: Captions, encoder: str) -> Rows | SharedRows:
    """Joins the vectors of a store to captions by the ids of the texts, which must be the same texts."""
    remedy = f"embed the texts of data set {captions.name!r} with {encoder!r} again"
    if captions.items_hash not in (None, store.items_hash):
        raise StoreError(f"{store.folders[0]}: the data set has other images now; {remedy}")
    own, texts = own_rows(store), captions.texts
    table = store.metadata().iloc[own]
    places = pd.Index(table["id"]).get_indexer(texts["id"])
    if (places < 0).any():
        raise StoreError(f"{store.folders[0]}: text {texts['id'][places < 0].iloc[0]!r} is missing; {remedy}")
    facts = [column for column in ("label", "text") if column in texts]
    stored = table.reindex(columns=facts).iloc[places].reset_index(drop=True)
    changed = (stored != texts[facts]).any(axis=1)
    if changed.any():
        raise StoreError(f"{store.folders[0]}: text {texts['id'][changed].iloc[0]!r} is another now; {remedy}")
    vectors, rows = store.stored_vectors(), own[places][captions.text_rows]
    return vectors if np.array_equal(rows, np.arange(len(vectors))) else SharedRows(vectors, rows)
