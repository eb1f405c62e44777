"""Reader of LAION's metadata: parquet files of addresses, captions and what is known of the images."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError

_TEXTS = {"url": ("url",), "caption": ("caption", "text"), "licence": ("license",), "tag": ("nsfw",)}
_NUMBERS = {
    "width": ("width",),
    "height": ("height",),
    "nsfw": ("punsafe",),
    "watermark": ("pwatermark",),
    "similarity": ("similarity",),
}
_NEEDED = ("url", "caption")
_TAGS = {"UNLIKELY": 0.0, "UNSURE": 0.5, "NSFW": 1.0}
_BATCH = 1 << 16


def read_laion(path: Path, rows: RowSlice) -> pd.DataFrame:
    """Reads rows of a metadata file of LAION-400M, LAION-5B or Re-LAION, whose columns differ in name and case.

    Only batches up to the end of the slice are decoded, and only row groups that hold rows of it.

    Args:
        path: parquet file with ``url`` and ``caption`` or ``text``; optionally ``width``, ``height``, ``license``,
            ``nsfw`` (tags), ``punsafe``, ``pwatermark``, ``similarity``.
        rows: which of the file's rows.

    Returns:
        ``row``, ``url``, ``caption`` and those of ``licence``, ``width``, ``height``, ``nsfw``, ``watermark``,
        ``similarity`` that the file has. The tag counts where ``punsafe`` is not known; licence ``?`` is none.

    Raises:
        DataError: naming the file and what is wrong with it.
    """
    try:
        with pq.ParquetFile(path) as file:
            columns = _find_columns(path, file.schema_arrow.names)
            start, stop = rows.bounds(file.metadata.num_rows)
            schema = pa.schema([file.schema_arrow.field(name) for name in columns.values()])
            batches = [batch.select(schema.names) for batch in _batches(file, schema.names, start, stop)]
            found = pa.Table.from_batches(batches, schema)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read as parquet ({reason}); check it or download it again") from error
    table = pd.DataFrame({"row": np.arange(start, stop)})
    for name, column in columns.items():
        convert = _texts if name in _TEXTS else _numbers
        table[name] = convert(found.column(column), f"{path}: column {column!r}")
    return _known(table)


def _find_columns(path: Path, names: list[str]) -> dict[str, str]:
    """Returns the file's column for each of ours that it has."""
    columns = {}
    for ours, theirs in {**_TEXTS, **_NUMBERS}.items():
        found = [name for name in names if name.lower() in theirs]
        if len(found) > 1:
            raise DataError(f"{path}: columns {found} are one and the same; keep one of them")
        if found:
            columns[ours] = found[0]
        elif ours in _NEEDED:
            raise DataError(f"{path}: column {' or '.join(theirs)!r} is missing; its columns are {', '.join(names)}")
    return columns


def _batches(file: pq.ParquetFile, columns: list[str], start: int, stop: int) -> Iterator[pa.RecordBatch]:
    """Yields the rows from ``start`` to before ``stop``."""
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    ends = np.cumsum(sizes, dtype=np.int64)
    groups = [group for group, end in enumerate(ends) if end > start and end - sizes[group] < stop]
    position = int(ends[groups[0]]) - sizes[groups[0]] if groups else stop
    for batch in file.iter_batches(_BATCH, row_groups=groups, columns=columns):
        if position >= stop:
            return
        first = max(start - position, 0)
        yield batch.slice(first, stop - position - first)
        position += len(batch)


def _texts(column: pa.ChunkedArray, where: str) -> np.ndarray:
    """Returns a column as texts or None; bytes that are not UTF-8 become replacement characters."""
    if pa.types.is_null(column.type):
        return np.full(len(column), None, dtype=object)
    try:
        column = column.cast(pa.large_binary())
    except pa.ArrowException as error:
        raise DataError(f"{where} holds {column.type}, not text; check the file") from error
    try:
        texts = column.cast(pa.large_string())
    except pa.ArrowInvalid:
        texts = pa.chunked_array([[value and value.decode("utf-8", "replace") for value in column.to_pylist()]])
    return texts.to_pandas(deduplicate_objects=False).to_numpy(dtype=object)


def _numbers(column: pa.ChunkedArray, where: str) -> np.ndarray:
    """Returns a column as float64, NaN where it is null or not finite."""
    try:
        values = column.cast(pa.float64(), safe=False).to_numpy()
    except pa.ArrowException as error:
        raise DataError(f"{where} holds {column.type} that are not numbers; check the file") from error
    return np.where(np.isfinite(values), values, np.nan)


def _known(table: pd.DataFrame) -> pd.DataFrame:
    if "licence" in table:
        table["licence"] = table["licence"].where(table["licence"] != "?", None)
    if "tag" in table:
        tagged = table.pop("tag").map(_TAGS).astype(float)
        table["nsfw"] = table["nsfw"].fillna(tagged) if "nsfw" in table else tagged
    return table
