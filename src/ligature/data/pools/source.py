"""Reads a slice of a source, whatever its format, into the table of pool rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from ligature.data.pools.addresses import is_address
from ligature.data.pools.captions import normalise_caption
from ligature.data.pools.funnel import KEPT, Funnel, drop_rows
from ligature.data.pools.keys import caption_keys, uids_of, url_keys
from ligature.data.pools.laion import read_laion
from ligature.data.pools.lines import read_cc3m, read_cc12m
from ligature.data.pools.listings import read_coco, read_sbu
from ligature.data.pools.narratives import read_narratives
from ligature.data.pools.pixmo import read_pixmo
from ligature.data.pools.slices import RowSlice
from ligature.data.pools.table import POOL_COLUMNS

_READERS: dict[str, Callable[[Path, RowSlice], pd.DataFrame]] = {
    "laion": read_laion,
    "cc3m": read_cc3m,
    "cc12m": read_cc12m,
    "sbu": read_sbu,
    "coco": read_coco,
    "pixmo-cap": read_pixmo,
    "localized-narratives": read_narratives,
}


def read_source_part(
    format: Literal["laion", "cc3m", "cc12m", "sbu", "coco", "pixmo-cap", "localized-narratives"],
    path: Path,
    *,
    source: str,
    part: int,
    slice_index: int = 0,
    slices: int = 1,
) -> tuple[pd.DataFrame, Funnel]:
    """Reads one contiguous slice of one file of a source.

    Args:
        format: layout of the file.
        path: the file.
        source: name of the source in the study.
        part: number of the file among the source's files.
        slice_index: which slice, from 0.
        slices: number of slices of the file.

    Returns:
        Pool rows in the order of the file, with one clean line as caption, and the accounting of rows without a
        caption (``no caption``), of a data set whose images have no addresses (``no public address``), or without an
        address of the web that is fit to be fetched (``no address``).

    Raises:
        DataError: naming the file, and the column or line that is wrong.
    """
    found = _READERS[format](Path(path), RowSlice(slice_index, slices))
    captions = [normalise_caption(caption) if caption else "" for caption in found["caption"]]
    urls = [url or "" for url in found["url"]]
    known = found.pop("reason") if "reason" in found else [KEPT] * len(found)
    reasons = [
        "no caption" if not caption else reason or (KEPT if is_address(url) else "no address")
        for url, caption, reason in zip(urls, captions, known, strict=True)
    ]
    found = found.assign(uid=uids_of(urls, captions), url=_objects(urls), caption=_objects(captions))
    kept, funnel = drop_rows(found, _objects(reasons), "read", source)
    return _pool_rows(kept, source, part), funnel


def _pool_rows(found: pd.DataFrame, source: str, part: int) -> pd.DataFrame:
    """Returns rows with all columns of a pool, null where the source does not state a value."""
    known = {name: _column(found, name) for name in ("nsfw", "watermark", "similarity")}
    rows = found.assign(
        source=_objects([source] * len(found)),
        part=np.int32(part),
        row=found["row"].astype(np.int64),
        width=_sides(_column(found, "width")),
        height=_sides(_column(found, "height")),
        licence=_licences(found),
        url_key=url_keys(found["url"]),
        caption_key=caption_keys(found["caption"]),
        **{name: values.astype(np.float32) for name, values in known.items()},
    )
    return rows[POOL_COLUMNS]


def _licences(found: pd.DataFrame) -> np.ndarray:
    """Returns licences as clean lines or None."""
    if "licence" not in found:
        return _objects([None] * len(found))
    clean = {licence: normalise_caption(licence) or None for licence in found["licence"].dropna().unique()}
    return _objects([clean.get(licence) for licence in found["licence"]])


def _objects(values: list[str | None]) -> np.ndarray:
    return np.array(values, dtype=object)


def _column(found: pd.DataFrame, name: str) -> np.ndarray:
    """Returns a column as float64, NaN where a value is not known."""
    if name not in found:
        return np.full(len(found), np.nan)
    return found[name].to_numpy(dtype=np.float64)


def _sides(values: np.ndarray) -> pd.array:
    """Returns lengths in pixels as Int32, null for what can be none."""
    known = (values >= 1) & (values <= np.iinfo(np.int32).max)
    return pd.arrays.IntegerArray(np.where(known, values, 0).astype(np.int32), ~known)
