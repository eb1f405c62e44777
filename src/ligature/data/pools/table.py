"""The table of pool rows: its columns, and the parquet files it is kept in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ligature.errors import DataError
from ligature.store.tables import open_table, write_table

POOL_SCHEMA = pa.schema(
    {
        "uid": pa.uint64(),
        "url": pa.string(),
        "caption": pa.string(),
        "source": pa.string(),
        "part": pa.int32(),
        "row": pa.int64(),
        "width": pa.int32(),
        "height": pa.int32(),
        "licence": pa.string(),
        "nsfw": pa.float32(),
        "watermark": pa.float32(),
        "similarity": pa.float32(),
        "url_key": pa.uint64(),
        "caption_key": pa.uint64(),
    }
)
"""Columns of a pool's parquet file: identity, where the row comes from, what the source states, and keys of equality.

``width``, ``height`` (pixels), ``licence``, ``nsfw`` (0 safe to 1 unsafe), ``watermark`` (0 to 1) and ``similarity``
are null where the source does not know them; in memory that is ``<NA>``, ``None`` and NaN.
"""

POOL_COLUMNS = POOL_SCHEMA.names
"""Names of the columns, in order."""

_ROW_GROUP = 1 << 17
_REMEDY = "write it again with this version"


def write_pool(path: Path, table: pd.DataFrame) -> None:
    """Writes pool rows as parquet, sorted by uid, source, part and row: the same rows give the same bytes."""
    sources = pd.factorize(table["source"], sort=True)[0]
    order = np.lexsort((table["row"], table["part"], sources, table["uid"]))
    rows = pa.Table.from_pandas(table.iloc[order], schema=POOL_SCHEMA, preserve_index=False)
    options = {"compression": "zstd", "row_group_size": _ROW_GROUP, "version": "2.6"}
    write_table(path, rows.replace_schema_metadata(None), **options)


def read_pool(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Reads pool rows.

    Args:
        path: a file of ``write_pool``.
        columns: the columns wanted; all by default.

    Raises:
        DamagedError: the file is not what was written.
        DataError: naming a file that is missing, or the column that is missing or of another type.
    """
    wanted = POOL_COLUMNS if columns is None else columns
    if not Path(path).is_file():
        raise DataError(f"{path}: missing; {_REMEDY}")
    with open_table(path) as file:
        _check_columns(path, file.schema_arrow, wanted)
        rows = file.read(columns=wanted).select(wanted)
    table = rows.to_pandas(types_mapper={pa.int32(): pd.Int32Dtype()}.get)
    return table.astype({"part": np.int32}) if "part" in wanted else table


def _check_columns(path: Path, schema: pa.Schema, wanted: list[str]) -> None:
    for name in wanted:
        if schema.get_field_index(name) < 0:
            raise DataError(f"{path}: column {name!r} is missing or stands twice; {_REMEDY}")
        if schema.field(name).type != POOL_SCHEMA.field(name).type:
            expected = POOL_SCHEMA.field(name).type
            raise DataError(f"{path}: column {name!r} is {schema.field(name).type}, not {expected}; {_REMEDY}")
