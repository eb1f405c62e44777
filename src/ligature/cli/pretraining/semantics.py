"""The vectors of what the captions of a set mean, which encoders that are trained from scratch rescale with."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ligature.cli.captions import Captions
from ligature.cli.features import open_store, own_rows
from ligature.errors import StoreError
from ligature.store import EmbeddingStore, Layout
from ligature.store.reader import require_encoder
from ligature.store.rows import Rows


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
