"""Shards of downloaded images: pictures inside tar files, read in place, and shards as a data set."""

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ligature.data.dataset import Dataset, captioned_dataset
from ligature.errors import DamagedError, DataError
from ligature.store import tables
from ligature.store.damage import check_sum, read_sealed

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
        DamagedError: a file is not what was written; the tars are read once for that, about 0.7 s/GB.
        DataError: for a download that is unfinished, or when nothing is left.
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
        raise DamagedError(folder / TABLE, f"it does not belong to {REPORT} beside it", declared=folder / REPORT)
    _check_places(folder / IMAGES, table)
    if "sha256" in report:
        check_sum(folder / IMAGES, report["sha256"], declared=folder / REPORT)
    if wanted is not None:
        table = table[np.isin(table["uid"].to_numpy(), wanted)]
    ids = [f"{uid:016x}" for uid in table["uid"]]
    places = zip(table["offset"], table["size"], strict=True)
    paths = [member_path(folder / IMAGES, offset, size) for offset, size in places]
    return pd.DataFrame({"id": ids, "path": paths, "image_id": ids, "text": table["caption"].to_numpy()}, dtype=object)


def _check_places(tar: Path, table: pd.DataFrame) -> None:
    report = tar.with_name(REPORT)
    if not tar.is_file():
        raise DamagedError(tar, "it is missing", declared=report)
    outside = (table["offset"] < 0) | (table["size"] <= 0) | (table["offset"] + table["size"] > tar.stat().st_size)
    if outside.any():
        uid = table["uid"][outside].iloc[0]
        raise DamagedError(tar, f"the place of image {uid:016x} lies outside the file", declared=report)


def read_report(folder: Path) -> dict:
    """Reads the report that a finished download leaves.

    Raises:
        DamagedError: it is not what was written.
        DataError: when there is none.
    """
    path = folder / REPORT
    try:
        report = read_sealed(path)
        if not isinstance(report["success"], int) or not isinstance(report["rows"], int):
            raise TypeError("success and rows must be whole numbers")
    except FileNotFoundError:
        raise DataError(f"{path}: missing, the download is not finished; run it again") from None
    except (KeyError, TypeError) as error:
        raise DamagedError(path, f"not the report of a download: {error}") from error
    return report


def read_table(folder: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Reads the table of a download, one row an asked row.

    Raises:
        DamagedError: it is missing or not what was written; the report is the file to set aside.
    """
    try:
        return tables.read_table(folder / TABLE, columns, declared=folder / REPORT)
    except FileNotFoundError:
        raise DamagedError(folder / TABLE, "it is missing", declared=folder / REPORT) from None
