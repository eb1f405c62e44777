"""Small tables and files of pool rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from ligature.data.pools import POOL_COLUMNS, caption_keys, uids_of, url_keys, write_pool


def pool_table(pairs: list[tuple[str, str]], **columns) -> pd.DataFrame:
    """Returns rows of (address, caption) pairs; nothing else is known but for ``columns``."""
    urls, captions = [url for url, _ in pairs], [caption for _, caption in pairs]
    nothing = np.full(len(pairs), np.nan, dtype=np.float32)
    values = {
        "uid": uids_of(urls, captions),
        "url": np.array(urls, dtype=object),
        "caption": np.array(captions, dtype=object),
        "source": "toy",
        "part": np.int32(0),
        "row": np.arange(len(pairs)),
        "licence": None,
        "url_key": url_keys(urls),
        "caption_key": caption_keys(captions),
    }
    for name in ("width", "height"):
        values[name] = pd.array(columns.pop(name, [None] * len(pairs)), dtype="Int32")
    for name in ("nsfw", "watermark", "similarity"):
        values[name] = np.array(columns.pop(name, nothing), dtype=np.float32)
    return pd.DataFrame({**values, **columns})[POOL_COLUMNS]


def write_pools(folder: Path, tables: list[pd.DataFrame]) -> list[Path]:
    paths = [folder / f"pool-{index}.parquet" for index in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        write_pool(path, table)
    return paths
