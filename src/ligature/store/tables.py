"""Tables of the study in parquet: pages with checksums and a hash of the columns, verified at every reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.errors import DamagedError
from ligature.store.atomic import replacing
from ligature.store.damage import reading
from ligature.store.hashing import hash_values

COLUMNS = b"ligature_columns"
"""The key of the file's metadata that holds the hash of rows, names and types, which no checksum of a page covers."""


def write_table(path: Path | str, table: pd.DataFrame | pa.Table, **options: Any) -> None:
    """Writes a table, a data frame without its index, atomically; the same table gives the same bytes.

    Of a data frame's own types only those stay that Arrow knows too.

    Args:
        path: of the file.
        table: the rows.
        options: of ``pyarrow.parquet.write_table``.
    """
    rows = pa.Table.from_pandas(table, preserve_index=False) if isinstance(table, pd.DataFrame) else table
    metadata = {COLUMNS: _hash_columns(rows.schema, rows.num_rows)}
    with replacing(path) as temporary:
        pq.write_table(rows.replace_schema_metadata(metadata), temporary, write_page_checksum=True, **options)


@contextmanager
def open_table(path: Path | str, *, declared: Path | str | None = None) -> Iterator[pq.ParquetFile]:
    """Opens a table for reading; one that was written without checksums is opened as it is.

    Args:
        path: of the file.
        declared: the file to set aside where this one is damaged; the same by default.

    Raises:
        DamagedError: the file is not what was written; the block, too, must do nothing but read it.
        OSError: it is missing or cannot be reached.
    """
    with reading(path, declared=declared), pq.ParquetFile(path, page_checksum_verification=True) as file:
        expected = (file.schema_arrow.metadata or {}).get(COLUMNS)
        if expected and expected != _hash_columns(file.schema_arrow, file.metadata.num_rows):
            raise DamagedError(path, "its columns are not those that were written", declared=declared)
        yield file


def read_table(
    path: Path | str, columns: list[str] | None = None, *, declared: Path | str | None = None
) -> pd.DataFrame:
    """Reads a table.

    Args:
        path: of the file.
        columns: the columns wanted; all by default.
        declared: the file to set aside where this one is damaged; the same by default.

    Raises:
        DamagedError: the file is not what was written.
        OSError: it is missing or cannot be reached.
    """
    with open_table(path, declared=declared) as file:
        return file.read(columns=columns).to_pandas()


def check_table(path: Path | str, columns: list[str]) -> None:
    """Reads columns of a table and forgets them, row group by row group, for readers that verify nothing.

    Raises:
        DamagedError: the file is not what was written.
        OSError: it is missing or cannot be reached.
    """
    with open_table(path) as file:
        for group in range(file.num_row_groups):
            file.read_row_group(group, columns=columns)


def _hash_columns(schema: pa.Schema, rows: int) -> bytes:
    return hash_values([rows, [[field.name, str(field.type), field.nullable] for field in schema]]).encode()
