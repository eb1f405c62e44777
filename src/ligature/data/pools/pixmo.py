"""Reader of PixMo-Cap: parquet files of addresses with long captions."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError

_COLUMNS = {"url": "image_url", "caption": "caption"}


def read_pixmo(path: Path, rows: RowSlice) -> pd.DataFrame:
    """Reads rows of PixMo-Cap, whose captions have some 170 words each.

    The transcripts beside them, most of the file, are not decoded; nor are row groups without a row of the slice.

    Args:
        path: parquet file with ``image_url`` and ``caption``.
        rows: which of the file's rows.

    Returns:
        ``row``, ``url``, ``caption``; what is null stays None.

    Raises:
        DataError: naming the file and what is wrong with it.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow)
            start, stop = rows.bounds(file.metadata.num_rows)
            schema = pa.schema([(name, pa.large_string()) for name in _COLUMNS.values()])
            batches = [batch.select(schema.names).cast(schema) for batch in _groups(file, schema.names, start, stop)]
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read as parquet ({reason}); check it or download it again") from error
    found = pa.concat_tables(batches) if batches else schema.empty_table()
    texts = {name: found.column(theirs).to_pandas().to_numpy(dtype=object) for name, theirs in _COLUMNS.items()}
    return pd.DataFrame({"row": np.arange(start, stop), **texts})


def _check_columns(path: Path, schema: pa.Schema) -> None:
    for name in _COLUMNS.values():
        if schema.get_field_index(name) < 0:
            known = ", ".join(schema.names)
            raise DataError(f"{path}: column {name!r} is missing or stands twice; its columns are {known}")
        kind = schema.field(name).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
            raise DataError(f"{path}: column {name!r} holds {kind}, not text; check the file")


def _groups(file: pq.ParquetFile, columns: list[str], start: int, stop: int) -> Iterator[pa.Table]:
    """Yields the rows from ``start`` to before ``stop``, one row group at a time."""
    position = 0
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        first, last = max(start - position, 0), min(stop - position, size)
        if first < last:
            yield file.read_row_group(group, columns).slice(first, last - first)
        position += size
