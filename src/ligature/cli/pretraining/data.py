"""What encoders are trained on from scratch (images, captions, their distances in meaning), and their features."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from ligature.cli.features import open_store, own_rows
from ligature.data.images import MAX_BYTES, read_image, short_sha256
from ligature.data.mixture import Mixture
from ligature.data.parts import count_parts, open_part
from ligature.data.shards import read_bytes
from ligature.encoders.contrastive.folder import ContrastivePair
from ligature.encoders.contrastive.images import resize_and_crop, to_pixels
from ligature.errors import DataError, ParamsError, StoreError
from ligature.params.pretraining import PretrainingParams, PretrainingRun
from ligature.params.pretraining_checks import pretraining_sets
from ligature.pretraining import ImageTextPairs
from ligature.progress import say
from ligature.store import Layout
from ligature.store.hashing import hash_strings
from ligature.store.rows import Rows

BATCH = 64
"""Images or texts that are encoded at once."""
WORKERS = 2
"""Threads that read and decode images."""


@dataclass(frozen=True)
class Captions:
    """A captioned data set or downloaded set with its own captions alone; images without one are left out.

    Attributes:
        name: in the study.
        images: one row an image: ``id``, ``path``.
        texts: one row a caption: ``id``, ``image_id``, ``text``.
        items_hash: of the ids of all images, by which a store of its texts is known.
    """

    name: str
    images: pd.DataFrame
    texts: pd.DataFrame
    items_hash: str

    @property
    def image_of_text(self) -> np.ndarray:
        """Row [m] of each caption's image."""
        return pd.Index(self.images["id"]).get_indexer(self.texts["image_id"])


def pretraining_params(layout: Layout) -> PretrainingParams:
    """Returns the `pretraining` block.

    Raises:
        ParamsError: when the study has none.
    """
    if layout.study.pretraining is None:
        raise ParamsError(f"study {layout.study.study!r} has no pretraining block")
    return layout.study.pretraining


def load_captions(layout: Layout, name: str) -> Captions:
    """Reads a captioned data set or downloaded set, all its parts.

    Raises:
        DataError: naming the file, row or key that is wrong.
    """
    parts = [open_part(layout, name, part).of_variant() for part in range(count_parts(layout, name))]
    items_hash = hash_strings(hash_strings(part.images["id"]) for part in parts)
    images = pd.concat([part.images for part in parts], ignore_index=True)
    texts = pd.concat([part.texts for part in parts], ignore_index=True)
    captioned = images["id"].isin(texts["image_id"])
    if not captioned.all():
        say(f"{name}: {(~captioned).sum():,} images without a caption are left out")
    return Captions(name, images[captioned].reset_index(drop=True), texts, items_hash)


def load_pairs_to_pretrain(layout: Layout, run: PretrainingRun) -> ImageTextPairs:
    """Loads the data sets or downloaded sets of the `pretraining` block, one after the other.

    The bytes of all images are read once, for a hash by which a killed training knows its data again.

    Args:
        layout: of the study.
        run: the variant, which says whether semantic vectors are needed.

    Raises:
        DataError: naming the file, row or key that is wrong.
        StoreError: when the texts of a set are not embedded, or were embedded of other images or captions.
    """
    block = pretraining_params(layout)
    names, weights = pretraining_sets(layout.study)
    sets = [load_captions(layout, name) for name in names]
    starts = np.cumsum([0, *(len(each.images) for each in sets)])
    owners = [each.image_of_text + start for each, start in zip(sets, starts, strict=False)]
    semantics = [load_semantics(layout, block.semantics, each) for each in sets] if run.semantic else None
    return ImageTextPairs(
        paths=[path for each in sets for path in each.images["path"]],
        image_ids=[id_ for each in sets for id_ in each.images["id"]],
        captions=[text for each in sets for text in each.texts["text"]],
        image_of_text=np.concatenate(owners),
        semantics=None if semantics is None else Rows(semantics),
        content_hash=hash_strings(hash_captions(each) for each in sets),
        mixture=None if block.mix is None else Mixture.of(np.diff(starts).tolist(), weights),
    )


def load_semantics(layout: Layout, encoder: str, captions: Captions) -> np.ndarray | Rows:
    """Returns the stored vectors [m, s] of the captions of a set, in their order; from disk where that is the store's.

    Raises:
        StoreError: when they are not embedded, or were embedded of other images or captions.
    """
    store = open_store(layout, encoder, captions.name)
    remedy = f"embed the texts of data set {captions.name!r} with {encoder!r} again"
    if store.items_hash != captions.items_hash:
        raise StoreError(f"{store.folders[0]}: the data set has other images now; {remedy}")
    own = own_rows(store)
    table = store.metadata().iloc[own]
    places = pd.Index(table["id"]).get_indexer(captions.texts["id"])
    if (places < 0).any():
        raise StoreError(f"{store.folders[0]}: text {captions.texts['id'][places < 0].iloc[0]!r} is missing; {remedy}")
    changed = table["text"].to_numpy()[places] != captions.texts["text"].to_numpy()
    if changed.any():
        raise StoreError(f"{store.folders[0]}: text {captions.texts['id'][changed].iloc[0]!r} is another now; {remedy}")
    rows, vectors = own[places], store.stored_vectors()
    return vectors if np.array_equal(rows, np.arange(len(vectors))) else vectors[rows]


def hash_captions(captions: Captions) -> str:
    """Returns a hash of all that is trained on: the bytes of the images, and the captions with their images.

    Raises:
        DataError: naming an image that cannot be read.
    """
    with ThreadPoolExecutor(WORKERS) as threads:
        images = hash_strings(threads.map(_hash_image, captions.images["path"]))
    return hash_strings([images, *captions.texts["image_id"], *captions.texts["text"]])


def _hash_image(path: str) -> str:
    try:
        return short_sha256(read_bytes(path.partition("!")[0], MAX_BYTES))
    except ValueError as error:
        raise _unreadable(path, error) from error


@torch.no_grad()
def encode_images(pair: ContrastivePair, paths: Sequence[str], *, batch_size: int = BATCH) -> np.ndarray:
    """Returns unit features [n, D] float32 of images, preprocessed as for evaluation.

    Args:
        pair: model and tokenizer; the model's device computes.
        paths: of the images, as ``ligature.data.images.read_image`` takes them.
        batch_size: images a forward pass.

    Raises:
        DataError: naming an image that cannot be read.
    """
    size, device = pair.model.config.image_size, pair.model.logit_scale.device
    features = []
    with ThreadPoolExecutor(WORKERS) as threads:
        for start in range(0, len(paths), batch_size):
            images = list(threads.map(lambda path: _cropped(path, size), paths[start : start + batch_size]))
            features.append(pair.model.encode_image(to_pixels(np.stack(images)).to(device)).float().cpu().numpy())
    return np.concatenate(features)


def _cropped(path: str, size: int) -> np.ndarray:
    try:
        return np.asarray(resize_and_crop(read_image(path)[0], size))
    except ValueError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: ValueError) -> DataError:
    return DataError(f"{path}: {error}; replace it or remove it from the data set")


@torch.no_grad()
def encode_texts(pair: ContrastivePair, texts: Sequence[str], *, batch_size: int = BATCH) -> np.ndarray:
    """Returns unit features [m, D] float32 of texts; those above the context are cut before their end.

    Args:
        pair: model and tokenizer; the model's device computes.
        texts: to encode.
        batch_size: texts a forward pass.
    """
    device = pair.model.logit_scale.device
    batches = [list(texts[start : start + batch_size]) for start in range(0, len(texts), batch_size)]
    features = [pair.model.encode_text(pair.tokenizer.encode(batch).to(device)) for batch in batches]
    return torch.cat(features).float().cpu().numpy()
