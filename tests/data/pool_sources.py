"""Small files in the formats of pool sources, and rows of a pool."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.data.pools import POOL_COLUMNS, caption_keys, uids_of, url_keys


def write_parquet(folder: Path, columns: dict, *, row_group_size: int = 3) -> Path:
    path = folder / "part.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


def write_bytes(folder: Path, content: bytes) -> Path:
    path = folder / "captions.tsv"
    path.write_bytes(content)
    return path


def write_values(folder: Path, values: object) -> Path:
    path = folder / "captions.json"
    path.write_text(json.dumps(values))
    return path


def pool_rows(pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Returns rows of (address, caption) pairs of which nothing else is known but a width of the second."""
    urls, captions = [url for url, _ in pairs], [caption for _, caption in pairs]
    nothing = np.full(len(pairs), np.nan, dtype=np.float32)
    widths = pd.array([640 if row == 1 else None for row in range(len(pairs))], dtype="Int32")
    table = pd.DataFrame(
        {
            "uid": uids_of(urls, captions),
            "url": urls,
            "caption": captions,
            "source": "toy",
            "part": np.int32(3),
            "row": np.arange(len(pairs)),
            "width": widths,
            "height": pd.array([None] * len(pairs), dtype="Int32"),
            "licence": pd.Series([None] * len(pairs), dtype=object),
            "nsfw": nothing,
            "watermark": nothing,
            "similarity": nothing,
            "url_key": url_keys(urls),
            "caption_key": caption_keys(captions),
        }
    )
    return table[POOL_COLUMNS]
