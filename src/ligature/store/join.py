"""Joining the image store and the text store of one data set, never silently wrong."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ligature.errors import StoreError
from ligature.store.reader import EmbeddingStore


@dataclass(frozen=True)
class Join:
    """Which rows of two stores belong together.

    Attributes:
        images: metadata of the image store, all n rows.
        texts: metadata of the text rows kept.
        text_rows: [m] rows of the text store kept: those whose image was embedded.
        image_of_text: [m] row of the image store of each kept text.
    """

    images: pd.DataFrame
    texts: pd.DataFrame
    text_rows: np.ndarray
    image_of_text: np.ndarray


def require_same_images(one: EmbeddingStore, other: EmbeddingStore) -> None:
    """Checks that two stores come from the same images in the same order.

    Raises:
        StoreError: naming both stores when their id hashes differ.
    """
    if one.items_hash != other.items_hash:
        raise StoreError(
            f"{one.folders[0]} and {other.folders[0]} hold different images or another order (id hashes differ); "
            "embed both again"
        )


def join_stores(images: EmbeddingStore, texts: EmbeddingStore) -> Join:
    """Joins texts to images by id, after checking that both come from the same images in the same order.

    Texts of images that were skipped as unreadable are left out.

    Raises:
        StoreError: naming both stores when their ids differ.
    """
    require_same_images(images, texts)
    image_table, text_table = images.metadata(), texts.metadata()
    row_of_image = pd.Series(np.arange(len(image_table)), index=image_table["id"])
    rows = text_table["image_id"].map(row_of_image)
    unknown = text_table["image_id"][rows.isna() & ~text_table["image_id"].isin(images.skipped_ids)]
    if len(unknown):
        names = f"{images.folders[0]} and {texts.folders[0]}"
        raise StoreError(f"{names}: image {unknown.iloc[0]!r} of a text is in neither; embed both again")
    kept = np.flatnonzero(rows.notna())
    return Join(
        image_table,
        text_table.iloc[kept].reset_index(drop=True),
        kept,
        rows.to_numpy()[kept].astype(np.int64),
    )
