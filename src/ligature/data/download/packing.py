"""The canonical form of a download: tar, table and report with the same bytes whenever the same images arrived."""

import io
import json
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pandas as pd
import pyarrow as pa

from ligature.data.download.pictures import Picture
from ligature.data.download.statuses import detail_of, status_of
from ligature.data.shards import IMAGES, REPORT, SUCCESS, TABLE
from ligature.progress import track
from ligature.store.atomic import replacing
from ligature.store.damage import write_sealed
from ligature.store.hashing import hash_files
from ligature.store.tables import write_table

Outcome = Picture | str
"""A picture, or the error that stands in its place."""

SCHEMA = pa.schema(
    [
        ("uid", pa.uint64()),
        ("url", pa.string()),
        ("host", pa.string()),
        ("source", pa.string()),
        ("concept", pa.int32()),
        ("score", pa.float32()),
        ("caption", pa.string()),
        ("status", pa.string()),
        ("detail", pa.string()),
        ("sha256", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("hash", pa.string()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
    ]
)
"""The table: one row an asked row, sorted by uid; what only a picture has is null without one."""


def pack(folder: Path, rows: pd.DataFrame, outcome_of: Callable[[int], Outcome], request: str) -> dict[str, Any]:
    """Writes tar, table and, last of all, the report.

    Args:
        folder: to write to; its files are replaced.
        rows: what was asked for, sorted by uid.
        outcome_of: called once for every uid, in order.
        request: what the download was asked for, as a hash.

    Returns:
        The report.
    """
    with replacing(folder / TABLE) as table_path, replacing(folder / IMAGES) as tar_path:
        with tar_path.open("wb") as file:
            records = _write_tar(file, rows, outcome_of)
        table = pa.Table.from_pylist(records, SCHEMA)
        write_table(table_path, table, compression="zstd")
        sums = {"bytes": tar_path.stat().st_size, "sha256": hash_files([tar_path])}
        report = {"request": request, **summary(records), **sums}
        (folder / REPORT).unlink(missing_ok=True)
    write_sealed(folder / REPORT, report)
    return report


def _write_tar(file: BinaryIO, rows: pd.DataFrame, outcome_of: Callable[[int], Outcome]) -> list[dict[str, Any]]:
    records = []
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for row in track(rows.to_dict("records"), "pack images", unit="rows"):
            record = {
                **row,
                "score": None if pd.isna(row["score"]) else float(row["score"]),
                "host": host_of(row["url"]),
            }
            outcome = outcome_of(row["uid"])
            if isinstance(outcome, Picture):
                record |= {"status": SUCCESS, "detail": "", "offset": file.tell() + tarfile.BLOCKSIZE}
                record |= {"size": len(outcome.data), "width": outcome.width, "height": outcome.height}
                record |= {"sha256": outcome.sha256, "hash": outcome.hash}
                _add_sample(tar, record, outcome)
            else:
                detail = detail_of(outcome)
                record |= {"status": status_of(detail), "detail": detail}
            records.append(record)
    return records


def _add_sample(tar: tarfile.TarFile, record: dict[str, Any], picture: Picture) -> None:
    """Adds the three files of a webdataset sample: picture, facts and caption."""
    key = f"{record['uid']:016x}"
    names = ("caption", "concept", "score", "source", "url", "width", "height", "sha256")
    facts = {"uid": key} | {name: record[name] for name in names}
    _add_file(tar, f"{key}.{picture.extension}", picture.data)
    _add_file(tar, f"{key}.json", json.dumps(facts, ensure_ascii=False, allow_nan=False).encode())
    _add_file(tar, f"{key}.txt", record["caption"].encode())


def _add_file(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)  # of time 0, user 0 and group 0, nameless
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def host_of(url: str) -> str:
    """Returns the host of an address in small letters, empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def summary(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Counts rows by status, and by host and status; most frequent first, ties in the order of the alphabet."""
    statuses: Counter[str] = Counter()
    hosts: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        statuses[record["status"]] += 1
        hosts[record["host"]][record["status"]] += 1
    busiest = _ranked(Counter({host: counts.total() for host, counts in hosts.items()}))
    return {
        "rows": statuses.total(),
        "success": statuses[SUCCESS],
        "status": _ranked(statuses),
        "hosts": {host: _ranked(hosts[host]) for host in busiest},
    }


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
