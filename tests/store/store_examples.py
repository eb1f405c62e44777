"""Small stores for tests."""

import numpy as np
import pandas as pd

from ligature.store import EmbeddingStore, StoreWriter
from ligature.store.hashing import hash_strings

ENCODER = {"name": "toy", "pooling": "cls"}
SOURCE = {"dataset": "captions", "split": "val", "part": "0/1"}


def image_ids(count: int) -> list[str]:
    return [f"image-{number}" for number in range(count)]


def image_table(count: int) -> pd.DataFrame:
    return pd.DataFrame({"id": image_ids(count), "sha256": [f"{number:032x}" for number in range(count)]})


def vectors_of(count: int, dims: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dims)).astype(np.float32)


def image_writer(folder, items, *, shard_rows=4, encoder=ENCODER, source=SOURCE, view="pooled") -> StoreWriter:
    """Returns a writer of an image store of a part that holds ``items``, a list of ids."""
    return StoreWriter(folder, "image", view, encoder, source, hash_strings(items), shard_rows)


def write_images(folder, table, vectors, *, skipped=(), **options) -> EmbeddingStore:
    """Writes an image store of ``table``, of whose items those in ``skipped`` could not be read."""
    writer = image_writer(folder, table["id"].to_list(), **options)
    for rows in writer.pending(table):
        used = ~rows["id"].isin(skipped)
        reasons = [{"id": name, "reason": "missing file"} for name in rows["id"][~used]]
        writer.append(vectors[rows.index[used]], rows[used], source_rows=len(rows), skipped=reasons)
    writer.finish()
    return EmbeddingStore.open(folder)


def write_texts(folder, table, vectors, items, *, shard_rows=4, encoder=ENCODER, source=SOURCE) -> EmbeddingStore:
    """Writes a text store of ``table`` (id, image_id, text) for a part that holds the images ``items``."""
    writer = StoreWriter(folder, "text", "pooled", encoder, source, hash_strings(items), shard_rows)
    for rows in writer.pending(table):
        writer.append(vectors[rows.index], rows, source_rows=len(rows))
    writer.finish()
    return EmbeddingStore.open(folder)


def caption_table(owners: list[str]) -> pd.DataFrame:
    """Returns one caption for each image id in ``owners``."""
    names = [f"{owner}#{number}" for number, owner in enumerate(owners)]
    return pd.DataFrame({"id": names, "image_id": owners, "text": [f"caption {name}" for name in names]})


def files_under(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
