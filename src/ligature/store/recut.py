"""A store cut into shards of another size, without encoding anything again."""

from pathlib import Path

import numpy as np
import pandas as pd

from ligature.store.manifest import Manifest
from ligature.store.reader import EmbeddingStore
from ligature.store.writer import StoreWriter


def recut(
    folder: Path, manifest: Manifest, writer: StoreWriter, items: pd.DataFrame, skipped: list[dict[str, str]] | None
) -> Manifest:
    """Writes a store's rows anew, in the shards of another writer.

    Args:
        folder: of the store, which was verified.
        manifest: of the store.
        writer: of the new one.
        items: one row an item of the source, those that were left out included, in order.
        skipped: what the new manifest lists as left out; None for what the old one does.

    Returns:
        The new manifest.
    """
    store = EmbeddingStore((folder,), (manifest,))
    table, vectors, scales = store.metadata(), store.stored_vectors(), store.scales()
    lengths = np.ones(len(table), np.int64) if manifest.view == "pooled" else table["tokens"].to_numpy()
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    left_out, row = {item["id"] for item in manifest.skipped}, 0
    for rows in writer.pending(items):
        end = row + len(rows) - int(rows["id"].isin(left_out).sum())
        span = slice(bounds[row], bounds[end])
        of_shard = None if scales is None else scales[span]
        writer.append(vectors[span], table.iloc[row:end], source_rows=len(rows), scales=of_shard)
        row = end
    writer.skipped = list(manifest.skipped if skipped is None else skipped)
    writer.truncated, writer.flops = manifest.truncated, manifest.flops
    return writer.finish()
