"""Exact duplicates within a pool, and captions of evaluation sets in it."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from ligature.data.pools.captions import normalise_caption
from ligature.data.pools.funnel import KEPT, Funnel, drop_rows
from ligature.data.pools.keys import caption_keys
from ligature.data.pools.table import read_pool
from ligature.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROW_BITS = 40
_REASONS = {"uid": "duplicate uid", "url_key": "duplicate address", "caption_key": "duplicate caption"}
"""Why a row is dropped when it shares a column with another one, in the order they are tried."""


def find_duplicates(
    paths: list[Path],
    *,
    by_url: bool,
    by_caption: bool,
    memory: str = "2GB",
    threads: int = 1,
    folder: Path | None = None,
) -> pd.DataFrame:
    """Finds the rows of a pool that repeat others, so that exactly one of each group stays.

    First, of the rows with one uid, that is one address and caption, the one stays that stands first by path and row.
    Then, of the rows left with one address key, the one with the smallest uid; then likewise with one caption key. A
    row that was dropped for one reason drops no others for the next. So what stays does not depend on how rows are
    spread over files, but for the place of rows that are equal in address and caption.

    Only numbers go through the joins: 24 bytes a row with both keys. What exceeds ``memory`` goes to disk.

    Args:
        paths: files of ``write_pool``.
        by_url: whether rows with one address are duplicates.
        by_caption: whether rows with one caption are, but for case, spaces and punctuation.
        memory: such as ``2GB``; one file's keys and the duplicates found come on top.
        threads: of the joins; they do not change the result.
        folder: where a temporary folder for what exceeds memory is made; the system's own by default.

    Returns:
        The rows to drop: ``uid``, ``part`` (int32, index of the path), ``row`` (int64, position in that file) and
        ``reason`` (categories ``duplicate uid``, ``duplicate address``, ``duplicate caption``), sorted by uid, part
        and row.

    Raises:
        DataError: naming a file or column that cannot be read; when memory or disk do not suffice.
    """
    import duckdb

    keys = ["uid", *(["url_key"] if by_url else []), *(["caption_key"] if by_caption else [])]
    with TemporaryDirectory(dir=folder, prefix="duplicates-") as spill:
        config = {
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": spill,
            "autoload_known_extensions": False,
        }
        try:
            with duckdb.connect(config=config) as connection:
                _load(connection, paths, keys)
                for key in keys:
                    _drop(connection, key)
                return _dropped(connection)
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"duplicates of {len(paths)} files: {reason}; give more memory or disk") from error


def _load(connection: "DuckDBPyConnection", paths: list[Path], keys: list[str]) -> None:
    """Fills the table ``keys``: the keys, and ``place``, the path's index and the row in one number."""
    columns = ", ".join(f"{key} UBIGINT" for key in [*keys, "place"])
    connection.execute(f"CREATE TABLE keys ({columns})")
    connection.execute("CREATE TABLE dropped (uid UBIGINT, place UBIGINT, reason UTINYINT)")
    for part, path in enumerate(paths):
        table = read_pool(path, keys)
        table["place"] = np.arange(len(table), dtype=np.uint64) + np.uint64(part << _ROW_BITS)
        connection.register("file", pa.Table.from_pandas(table, preserve_index=False))
        connection.execute("INSERT INTO keys SELECT * FROM file")
        connection.unregister("file")


def _drop(connection: "DuckDBPyConnection", key: str) -> None:
    """Moves the rows that share a key with a row before them from ``keys`` to ``dropped``."""
    order = "place" if key == "uid" else "uid"
    reason = list(_REASONS).index(key)
    connection.execute(
        f"""
        INSERT INTO dropped
        SELECT keys.uid, keys.place, {reason}
        FROM keys JOIN (SELECT {key}, min({order}) AS first FROM keys GROUP BY {key} HAVING count(*) > 1) AS groups
        ON keys.{key} = groups.{key} WHERE keys.{order} > groups.first
        """
    )
    connection.execute("DELETE FROM keys WHERE place IN (SELECT place FROM dropped)")


def _dropped(connection: "DuckDBPyConnection") -> pd.DataFrame:
    found = connection.execute("SELECT uid, place, reason FROM dropped ORDER BY uid, place").fetchnumpy()
    place = found["place"]
    return pd.DataFrame(
        {
            "uid": found["uid"],
            "part": (place >> _ROW_BITS).astype(np.int32),
            "row": (place & ((1 << _ROW_BITS) - 1)).astype(np.int64),
            "reason": pd.Categorical.from_codes(found["reason"].astype(np.int8), list(_REASONS.values())),
        }
    )


def eval_captions_found(table: pd.DataFrame, keys: np.ndarray) -> np.ndarray:
    """Tells which pool rows have a caption of an evaluation set.

    Args:
        table: [n] pool rows.
        keys: ``caption_keys`` of the evaluation captions, in any order.

    Returns:
        [n] booleans.
    """
    return np.isin(table["caption_key"].to_numpy(), keys)


def decontaminate_captions(table: pd.DataFrame, captions: Iterable[str], source: str) -> tuple[pd.DataFrame, Funnel]:
    """Drops the rows whose caption is one of an evaluation set, but for case, spaces and punctuation.

    Args:
        table: pool rows.
        captions: texts of the evaluation sets as they come.
        source: name of the source, for the accounting.

    Returns:
        The rows kept, in order, and the accounting under the reason ``evaluation caption``.
    """
    keys = np.unique(caption_keys(map(normalise_caption, captions)))
    reasons = np.where(eval_captions_found(table, keys), "evaluation caption", KEPT)
    return drop_rows(table, reasons, "decontaminate", source)
