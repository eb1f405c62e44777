"""Shards of downloaded images: pictures inside tar files, read in place, and shards as a data set."""

import json
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.data.dataset import Dataset, captioned_dataset
from ligature.errors import DataError

IMAGES, TABLE, REPORT = "images.tar", "images.parquet", "report.json"
SUCCESS = "success"
"""The status of a row whose picture stands in the tar."""
MEMBER = re.compile(r"(.+)::(\d{1,18})\+(\d{1,18})(?:!\d{1,4}x\d{1,4})?", re.DOTALL)


def member_path(tar: Path | str, offset: int, size: int) -> str:
    """Returns the path of a file inside a tar, ``tar::offset+size``, both in bytes."""
    return f"{tar}::{offset}+{size}"


def split_member(path: str) -> tuple[str, int, int | None]:
    """Takes a path apart: file, first byte, number of bytes; None stands for all bytes of a plain file."""
    match = MEMBER.fullmatch(path)
    return (match[1], int(match[2]), int(match[3])) if match else (path, 0, None)


def read_bytes(path: str, limit: int) -> bytes:
    """Reads a plain file or, in place, a file inside a tar.

    Args:
        path: of a file, or as ``member_path`` returns it.
        limit: largest number of bytes.

    Raises:
        ValueError: with the reason in a few words.
    """
    file_path, offset, size = split_member(path)
    try:
        with open(file_path, "rb") as file:
            total = os.fstat(file.fileno()).st_size
            size = total if size is None else size
            if size > limit:
                raise ValueError(f"file above {limit >> 20} MiB")
            if offset + size > total:
                raise ValueError("place beyond the end of the tar")
            file.seek(offset)
            return file.read(size)
    except FileNotFoundError:
        raise ValueError("missing file") from None
    except OSError as error:
        raise ValueError(f"unreadable file ({error.strerror})") from error


def open_shards(
    folders: Sequence[Path], name: str, *, kept: Collection[int] | np.ndarray | None = None, split: str = "train"
) -> Dataset:
    """Reads folders of downloaded images as one data set of images with one caption each.

    Args:
        folders: each with tar, table and report, as a download leaves them.
        name: of the data set in the study.
        kept: uids to keep; None keeps all.
        split: recorded in the data set.

    Returns:
        The images that arrived, in the order of folders and, within, of uids; ids are uids in 16 hex digits.

    Raises:
        DataError: for a download that is unfinished or contradicts itself, or when nothing is left.
    """
    if not folders:
        raise DataError(f"{name}: no folder of downloaded images; download the set first")
    wanted = None if kept is None else np.fromiter(kept, np.uint64, len(kept))
    rows = pd.concat([_arrived(Path(folder), wanted) for folder in folders], ignore_index=True)
    where = ", ".join(map(str, folders[:2])) + (" ..." if len(folders) > 2 else "")
    if rows.empty:
        raise DataError(f"{where}: no image arrived that is to be kept; see {REPORT} for the reasons")
    return captioned_dataset(name, split, rows[["id", "path"]], rows[["image_id", "text"]], where)


def _arrived(folder: Path, wanted: np.ndarray | None) -> pd.DataFrame:
    """Returns ``id``, ``path``, ``image_id`` and ``text`` of the images of one folder."""
    report = read_report(folder)
    table = read_table(folder, ["uid", "status", "caption", "offset", "size"])
    table = table[table["status"] == SUCCESS].fillna({"offset": -1, "size": -1})
    table = table.astype({"offset": np.int64, "size": np.int64})
    if len(table) != report["success"]:
        raise DataError(f"{folder / TABLE}: does not belong to {REPORT} beside it; download this folder again")
    _check_places(folder / IMAGES, table)
    if wanted is not None:
        table = table[np.isin(table["uid"].to_numpy(), wanted)]
    ids = [f"{uid:016x}" for uid in table["uid"]]
    places = zip(table["offset"], table["size"], strict=True)
    paths = [member_path(folder / IMAGES, offset, size) for offset, size in places]
    return pd.DataFrame({"id": ids, "path": paths, "image_id": ids, "text": table["caption"].to_numpy()}, dtype=object)


def _check_places(tar: Path, table: pd.DataFrame) -> None:
    if not tar.is_file():
        raise DataError(f"{tar}: missing; download this folder again")
    outside = (table["offset"] < 0) | (table["size"] <= 0) | (table["offset"] + table["size"] > tar.stat().st_size)
    if outside.any():
        uid = table["uid"][outside].iloc[0]
        raise DataError(f"{tar}: the place of image {uid:016x} lies outside the file; download this folder again")


def read_report(folder: Path) -> dict:
    """Reads the report that a finished download leaves.

    Raises:
        DataError: when there is none or it is broken.
    """
    path = folder / REPORT
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(report["success"], int) or not isinstance(report["rows"], int):
            raise TypeError("success and rows must be whole numbers")
    except FileNotFoundError:
        raise DataError(f"{path}: missing, the download is not finished; run it again") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not the report of a download ({error}); download this folder again") from error
    return report


def read_table(folder: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Reads the table of a download, one row an asked row.

    Raises:
        DataError: when it cannot be read.
    """
    try:
        return pq.read_table(folder / TABLE, columns=columns).to_pandas()
    except (OSError, pa.ArrowException) as error:
        line = " ".join(str(error).split())[:120]
        raise DataError(f"{folder / TABLE}: cannot be read ({line}); download this folder again") from error
