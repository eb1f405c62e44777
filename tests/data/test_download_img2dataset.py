"""Running img2dataset itself: it does what its stand-in does, survives kills and full disks, and never hangs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dataset_files import the_line
from download_stub import PARAMS, PATHS, STATUS, Img2dataset, check_table, contents, rows_of
from web_stub import serving

from ligature.data.download import download_rows, fetching
from ligature.errors import DataError


@pytest.fixture
def web():
    with serving() as server:
        yield server


@pytest.mark.parametrize(
    ("program", "ending"),
    [("exit 3", "img2dataset ended with status 3"), ("sleep 50", "img2dataset stood still for 0 s")],
)
def test_a_process_that_fails_or_stands_still_is_one_line(program, ending, tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\necho oh dear\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(fetching, "PATIENCE", 0.3)
    line = the_line(download_rows, rows_of("ok1"), tmp_path / "part", PARAMS, threads=10**6, error=DataError)
    log = tmp_path / "part/.scratch/log.txt"
    assert line == f"{log.parent}: 1 of 1 rows are unfinished, {ending}; run again to go on, and see {log}"
    assert log.read_text() == "oh dear\n"


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_without_img2dataset_the_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "find_spec", lambda name: None)
    line = the_line(download_rows, rows_of("ok1"), tmp_path / "part", PARAMS, error=DataError)
    assert line == "img2dataset: not installed; pip install 'ligature[download]'"


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_shards_are_used_later(small_disk, web, monkeypatch):
    pytest.importorskip("img2dataset")
    monkeypatch.setattr(fetching, "SHARD_ROWS", 8)
    rows = rows_of(*(f"huge{number}" for number in range(40)))
    params = PARAMS.model_copy(update={"image_size": 2000})
    line = the_line(download_rows, rows, small_disk / "part", params, proxy=web.address, threads=2, error=DataError)
    assert "the disk is full: make room; run again" in line
    assert [path.name for path in (small_disk / "part").iterdir()] == [".scratch"]
    done = len(list((small_disk / "part/.scratch/shards").glob("*_stats.json")))
    assert 0 < done < 5
    web.requests.clear()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    monkeypatch.setattr(fetching, "_run", Img2dataset(web.address))
    assert download_rows(rows, small_disk / "part", params)["success"] == 40
    assert len(web.requests) == 40 - 8 * done


def test_img2dataset_itself_does_what_its_stand_in_does(web, tmp_path, monkeypatch):
    pytest.importorskip("img2dataset")
    rows = rows_of(*PATHS, "robots8", "redirect9")
    with monkeypatch.context() as patch:
        patch.setenv("no_proxy", "*")
        download_rows(rows, tmp_path / "real", PARAMS, proxy=web.address)
    check_table(tmp_path / "real", rows, [*STATUS, "robots", "success"])
    monkeypatch.setattr(fetching, "_run", Img2dataset(web.address))
    download_rows(rows, tmp_path / "stub", PARAMS)
    assert contents(tmp_path / "real") == contents(tmp_path / "stub")


KILLED = """
import pandas as pd, sys
from pathlib import Path
from ligature.data.download import download_rows, fetching
from ligature.params.curate import DownloadParams
fetching.SHARD_ROWS = 4
rows, folder, proxy, params = sys.argv[1:]
download_rows(pd.read_parquet(rows), Path(folder), DownloadParams.model_validate_json(params), proxy=proxy, threads=1)
"""


@pytest.mark.slow
def test_img2dataset_dies_with_the_process_that_started_it_and_its_shards_are_used(web, tmp_path, monkeypatch):
    pytest.importorskip("img2dataset")
    monkeypatch.setattr(fetching, "SHARD_ROWS", 4)
    rows = rows_of("ok1", "ok2", "ok3", "ok4", "ok5", "drip", "drip1", "ok6")
    rows.to_parquet(tmp_path / "rows.parquet")
    folder = tmp_path / "part"
    arguments = [tmp_path / "rows.parquet", folder, web.address, PARAMS.model_dump_json()]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *map(str, arguments)], stderr=subprocess.DEVNULL)
    try:
        stats = folder / ".scratch/shards/00000_stats.json"
        wait_until(stats.exists)
        wait_until(lambda: web.requests["/drip"])
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: not processes_of(folder))
    asked = web.requests.total()
    assert download_rows(rows, folder, PARAMS, proxy=web.address)["success"] == 6
    assert web.requests.total() == asked + 4
    assert web.requests["/ok1"] == 1
    monkeypatch.setattr(fetching, "_run", Img2dataset(web.address))
    download_rows(rows, tmp_path / "whole", PARAMS)
    assert contents(folder) == contents(tmp_path / "whole")


def wait_until(condition, seconds=40):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def processes_of(folder):
    """Returns the processes whose command line or open files name a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = [os.readlink(link) for link in (process / "fd").iterdir()]
            if int(process.name) != os.getpid() and any(str(folder) in name for name in opened):
                found.append(process.name)
        except OSError:
            continue
    return found
