"""Tables of the study in parquet, with a checksum a page that is verified at every reading."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.store.atomic import replacing
from ligature.store.damage import reading


def write_table(path: Path | str, table: pd.DataFrame) -> None:
    """Writes ``table`` without its index, atomically; the same table gives the same bytes."""
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, write_page_checksum=True)


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
    with reading(path, declared=declared):
        return pd.read_parquet(path, columns=columns, page_checksum_verification=True)


def check_table(path: Path | str, columns: list[str]) -> None:
    """Reads columns of a table and forgets them, for readers that verify nothing, row group by row group.

    Raises:
        DamagedError: the file is not what was written.
        OSError: it is missing or cannot be reached.
    """
    with reading(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            rows: pa.Table = file.read_row_group(group, columns=columns)
            del rows
