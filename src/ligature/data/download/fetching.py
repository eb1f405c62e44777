"""Running img2dataset over rows: in a process of its own, resumed where an earlier run ended."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.data.download.opener import Limits
from ligature.data.download.scratch import SHARD_DIGITS, Arrival, finished_shards, read_shard, remove_shard
from ligature.data.remote.mirror import MIRROR
from ligature.errors import DataError
from ligature.params.curate import DownloadParams
from ligature.progress import Progress
from ligature.store.atomic import write_json
from ligature.store.hashing import hash_strings

SHARD_ROWS = 1000
"""Rows that are fetched again when a run is killed, at most."""
FULL = 64 << 10
"""Free bytes below which a disk counts as full."""
POLL = 0.2
PATIENCE = 300.0
"""Seconds without a finished shard that are granted beyond the longest that a shard can take."""
SAFE = "%/:=&?~#+!$,;'@()*[]|"
"""Characters of an address that are left as they are; the others are percent-encoded."""


def fetch(
    rows: pd.DataFrame, scratch: Path, params: DownloadParams, *, proxy: str | None, threads: int
) -> dict[int, Arrival]:
    """Fetches addresses with img2dataset and returns what became of each, by uid.

    Whole shards of an earlier run over the same rows are used; torn ones are fetched again.

    Args:
        rows: ``uid`` and ``url``, sorted by uid.
        scratch: folder for shards, arguments and ``log.txt``; what it holds of other rows is removed.
        params: limits of an answer.
        proxy: address that all requests go through; None leaves the environment's.
        threads: requests at a time.

    Raises:
        DataError: when the disk is full, or when img2dataset leaves shards unfinished.
    """
    if len(rows) == 0:
        return {}
    try:
        _prepare(rows, scratch)
        arrivals = collect(scratch / "shards", len(rows))
        if len(arrivals) < len(rows):
            _require_img2dataset()
            _write_arguments(scratch, params, threads)
            ending = _run(scratch, len(rows), params, proxy, threads)
            arrivals = collect(scratch / "shards", len(rows))
    except OSError as error:
        raise DataError(f"{scratch}: cannot be written ({error.strerror or error}); make room and run again") from error
    if len(arrivals) < len(rows):
        raise DataError(
            f"{scratch}: {len(rows) - len(arrivals)} of {len(rows)} rows are unfinished, {ending}; "
            f"run again to go on, and see {scratch / 'log.txt'}"
        )
    return arrivals


def _prepare(rows: pd.DataFrame, scratch: Path) -> None:
    """Makes the scratch folder and writes the addresses; a folder of other rows is emptied."""
    uids = [f"{uid:016x}" for uid in rows["uid"]]
    urls = [quote(url, safe=SAFE, errors="replace") for url in rows["url"]]
    key = {"key": hash_strings([str(SHARD_ROWS), *uids, *urls])}
    marker = scratch / "key.json"
    if not marker.is_file() or json.loads(marker.read_text(encoding="utf-8")) != key:
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "shards").mkdir(parents=True)
        pq.write_table(pa.table({"uid": uids, "url": urls}), scratch / "rows.parquet")
        write_json(marker, key)


def collect(shards: Path, total: int) -> dict[int, Arrival]:
    """Returns what became of the rows of all whole shards, by uid, and removes the files of the others."""
    arrivals: dict[int, Arrival] = {}
    finished = set(finished_shards(shards))
    for shard in range(-(-total // SHARD_ROWS)):
        found = read_shard(shards, shard) if shard in finished else None
        if found is None or len(found) != min(SHARD_ROWS, total - shard * SHARD_ROWS):
            remove_shard(shards, shard)
        else:
            arrivals |= found
    return arrivals


def _require_img2dataset() -> None:
    if find_spec("img2dataset") is None:
        raise DataError("img2dataset: not installed; pip install 'ligature[download]'")


def _write_arguments(scratch: Path, params: DownloadParams, threads: int) -> None:
    """Writes img2dataset's options: it fetches and keeps the bytes; checks and resizing follow with our own limits."""
    options = {
        "url_list": str(scratch / "rows.parquet"),
        "input_format": "parquet",
        "url_col": "url",
        "save_additional_columns": ["uid"],
        "output_folder": str(scratch / "shards"),
        "output_format": "webdataset",
        "number_sample_per_shard": SHARD_ROWS,
        "oom_shard_count": SHARD_DIGITS,
        "processes_count": 1,
        "thread_count": threads,
        "timeout": params.timeout,
        "retries": params.retries,
        "disable_all_reencoding": True,
        "extract_exif": False,
        "compute_hash": None,
        "enable_wandb": False,
        "incremental_mode": "incremental",
    }
    write_json(scratch / "arguments.json", options)


def _environment(params: DownloadParams, proxy: str | None) -> dict[str, str]:
    environment = dict(os.environ)
    if proxy is not None:
        environment = {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")}
        environment.pop(MIRROR, None)
        environment |= {"http_proxy": proxy, "https_proxy": proxy}
    limits = Limits(params.max_bytes, params.timeout)
    return environment | limits.environment() | {"NO_ALBUMENTATIONS_UPDATE": "1", "WANDB_MODE": "disabled"}


def _run(scratch: Path, total: int, params: DownloadParams, proxy: str | None, threads: int) -> str:
    """Runs img2dataset until it ends, the disk is full or nothing happens any more; returns which of them it was."""
    command = [sys.executable, "-m", "ligature.data.download.runner", str(scratch / "arguments.json")]
    environment = _environment(params, proxy)
    patience = PATIENCE + 2 * SHARD_ROWS / threads * (params.retries + 1) * params.timeout
    with (
        (scratch / "log.txt").open("ab") as log,
        Progress(f"download {scratch.parent.name}", total, "rows", done=_done(scratch, total)) as progress,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            return _watch(process, scratch, progress, patience)
        finally:
            with suppress(ProcessLookupError):  # process and workers are one group, which may be gone by now
                os.killpg(process.pid, signal.SIGKILL)


def _watch(process: subprocess.Popen, scratch: Path, progress: Progress, patience: float) -> str:
    last = time.monotonic()
    while process.poll() is None:
        if shutil.disk_usage(scratch).free < FULL:
            return "the disk is full: make room"
        if time.monotonic() - last > patience:
            return f"img2dataset stood still for {patience:.0f} s"
        time.sleep(POLL)
        if (done := _done(scratch, progress.total)) > progress.done:
            progress.update(done - progress.done)
            last = time.monotonic()
    return f"img2dataset ended with status {process.returncode}"


def _done(scratch: Path, total: int) -> int:
    return min(len(finished_shards(scratch / "shards")) * SHARD_ROWS, total)
