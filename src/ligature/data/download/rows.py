"""Downloading rows into one folder of canonical shards, all of them or those that failed for a while."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ligature.data.download.fetching import fetch
from ligature.data.download.packing import SCHEMA, Outcome, pack
from ligature.data.download.pictures import EXTENSIONS, Picture, prepare_picture
from ligature.data.download.scratch import Arrival
from ligature.data.download.statuses import RETRYABLE
from ligature.data.images import MAX_BYTES, decode_image, short_sha256
from ligature.data.shards import IMAGES, REPORT, SUCCESS, TABLE, member_path, read_bytes, read_report, read_table
from ligature.errors import DataError
from ligature.params.curate import DownloadParams
from ligature.store.hashing import hash_values

SCRATCH = ".scratch"
ROW_COLUMNS = ("uid", "url", "caption", "source", "concept", "score")


def download_rows(
    rows: pd.DataFrame, folder: Path, params: DownloadParams, *, proxy: str | None = None, threads: int = 8
) -> dict[str, Any]:
    """Downloads the images of rows into ``images.tar``, ``images.parquet`` and ``report.json``.

    A folder that is finished for the same rows and parameters is left alone; a download that was cut short goes on.

    Args:
        rows: ``uid``, ``url``, ``caption``, ``source``, ``concept`` and ``score``, in any order.
        folder: to write to.
        params: limits and sizes.
        proxy: address such as ``http://127.0.0.1:8080`` that all requests go through.
        threads: requests at a time.

    Returns:
        The report: ``rows``, ``success``, counts by ``status`` and by ``hosts`` and status, ``bytes`` and ``sha256`` of
        the tar.

    Raises:
        DataError: for rows that contradict each other, a full disk, or fewer images than ``params.min_success``; in the
            last case all files are whole and stay for reading.
    """
    rows = _sorted_rows(rows)
    request = _request(rows, params)
    if (folder / REPORT).is_file() and (report := read_report(folder)).get("request") == request:
        return _enough(folder, report, params)
    arrivals = _fetched(rows, folder, params, proxy, threads)
    return _finish(folder, rows, lambda uid: _outcome(arrivals[uid], params), request, params)


def retry_failed(folder: Path, params: DownloadParams, *, proxy: str | None = None, threads: int = 8) -> dict[str, Any]:
    """Downloads once more what failed for reasons that may pass, and writes all as if it had arrived at first.

    Args:
        folder: of a finished download.
        params: as ``download_rows`` takes them; sizes must be those of the first try, limits may be wider.
        proxy: as ``download_rows`` takes it.
        threads: requests at a time.

    Returns:
        The new report.

    Raises:
        DataError: when the folder is not finished, and as ``download_rows`` does.
    """
    request = read_report(folder).get("request", "")
    table = read_table(folder).set_index("uid", drop=False)
    if list(table.columns) != SCHEMA.names:
        raise DataError(f"{folder / TABLE}: other columns than a download writes; download this folder again")
    again = table[table["status"].isin(RETRYABLE)]
    arrivals = _fetched(again, folder, params, proxy, threads)

    def outcome_of(uid: int) -> Outcome:
        return _outcome(arrivals[uid], params) if uid in arrivals else _stored(folder, table.loc[uid])

    return _finish(folder, table[list(ROW_COLUMNS)], outcome_of, request, params)


def _sorted_rows(rows: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in ROW_COLUMNS if name not in rows]
    if missing:
        raise DataError(f"rows to download: column {missing[0]!r} is missing")
    if rows["uid"].duplicated().any():
        raise DataError(f"rows to download: uid {rows['uid'][rows['uid'].duplicated()].iloc[0]:016x} stands twice")
    for name in ("url", "caption", "source"):
        if not rows[name].map(lambda value: isinstance(value, str)).all():
            raise DataError(f"rows to download: column {name!r} must hold text in every row")
    rows = rows[list(ROW_COLUMNS)].astype({"uid": np.uint64, "concept": np.int32, "score": np.float32})
    return rows.sort_values("uid").reset_index(drop=True)


def _request(rows: pd.DataFrame, params: DownloadParams) -> str:
    """Returns a hash of what decides the result: the rows, and the limits and sizes of images."""
    settings = params.model_dump(include={"image_size", "timeout", "max_bytes", "retries", "min_image_side"})
    columns = [rows[name].astype(str).to_list() for name in ROW_COLUMNS]
    return hash_values([settings, columns])


def _fetched(
    rows: pd.DataFrame, folder: Path, params: DownloadParams, proxy: str | None, threads: int
) -> dict[int, Arrival]:
    return fetch(rows[["uid", "url"]], folder / SCRATCH, params, proxy=proxy, threads=threads)


def _outcome(arrival: Arrival, params: DownloadParams) -> Outcome:
    if arrival.error:
        return arrival.error
    try:
        return prepare_picture(arrival.read(), image_size=params.image_size, min_image_side=params.min_image_side)
    except ValueError as error:
        return str(error)


def _stored(folder: Path, row: pd.Series) -> Outcome:
    """Returns what an earlier run made of a row."""
    if row["status"] != SUCCESS:
        return row["detail"]
    path = member_path(folder / IMAGES, int(row["offset"]), int(row["size"]))
    try:
        data = read_bytes(path, MAX_BYTES)
        _, kind = decode_image(data)
        if short_sha256(data) != row["sha256"]:
            raise ValueError("changed since it was downloaded")
    except ValueError as error:
        raise DataError(f"{path}: {error}; download this folder again") from error
    return Picture(data, EXTENSIONS[kind], int(row["width"]), int(row["height"]), row["sha256"], row["hash"])


def _finish(
    folder: Path, rows: pd.DataFrame, outcome_of: Callable[[int], Outcome], request: str, params: DownloadParams
) -> dict[str, Any]:
    """Writes the result and clears away what it was made of."""
    try:
        report = pack(folder, rows, outcome_of, request)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror or error}); make room and run again") from error
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    return _enough(folder, report, params)


def _enough(folder: Path, report: dict[str, Any], params: DownloadParams) -> dict[str, Any]:
    """Returns the report, or raises where too few images arrived."""
    share = report["success"] / max(report["rows"], 1)
    if report["rows"] and share < params.min_success:
        reason, count = next((status, count) for status, count in report["status"].items() if status != SUCCESS)
        raise DataError(
            f"{folder / REPORT}: only {report['success']} of {report['rows']} images arrived, less than min_success "
            f"{params.min_success:g}; the commonest reason is {reason!r} ({count} rows)"
        )
    return report
