"""What writers raise on a full or closed disk names the file that was to be written, whatever the library."""

import errno
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from ligature.store.atomic import naming, replacing, replacing_folder, write_csv

FULL = Path("/dev/full")
"""A device that is always full."""
WRITERS = {
    "numpy": lambda path: np.save(path.open("wb"), np.zeros(100_000)),
    "parquet": lambda path: pd.DataFrame({"a": np.random.default_rng(0).random(100_000)}).to_parquet(path),
    "csv": lambda path: pd.DataFrame({"a": range(100_000)}).to_csv(path),
    "torch": lambda path: torch.save(torch.zeros(100_000), path),
    "text": lambda path: path.write_text("x" * 100_000),
}


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_full_disk_is_an_error_of_the_system_with_the_name_of_the_file(tmp_path, write):
    path, full = tmp_path / "result", tmp_path / "full"
    full.symlink_to(FULL)  # a writer that fails removes the link and not the device
    with pytest.raises(OSError, match="No space left on device") as caught, naming(path, full):
        write(full)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))


def test_an_error_of_safetensors_is_one_of_the_system(tmp_path):
    (tmp_path / "beside").mkdir()
    with pytest.raises(IsADirectoryError) as caught, naming(tmp_path / "a.safetensors", tmp_path):
        save_file({"a": np.zeros(3)}, tmp_path / "beside")
    assert caught.value.filename == str(tmp_path / "a.safetensors")


def test_the_file_beside_is_not_what_the_user_is_told_of(tmp_path):
    path = tmp_path / "table.csv"
    with pytest.raises(PermissionError) as caught, replacing(path) as temporary:
        raise PermissionError(errno.EACCES, "Permission denied", str(temporary))
    assert caught.value.filename == str(path)
    write_csv(path, pd.DataFrame({"a": [1]}))
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_other_errors_pass_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "a"):
        (tmp_path / "none").read_text()
    assert caught.value.filename == str(tmp_path / "none")
    with pytest.raises(ValueError, match="words"), replacing(tmp_path / "a"):
        raise ValueError("words")


def test_what_a_killed_process_left_beside_is_removed_and_what_others_write_is_not(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    node = platform.node()
    dead, dead_folder = (tmp_path / f".{name}.{node}.{gone.pid}.partial" for name in ("a.csv", "world"))
    alive, elsewhere = tmp_path / f".a.csv.{node}.1.partial", tmp_path / f".a.csv.other.{gone.pid}.partial"
    for path in (dead, alive, elsewhere):
        path.write_text("half")
    dead_folder.mkdir()
    write_csv(tmp_path / "a.csv", pd.DataFrame({"a": [1]}))
    with replacing_folder(tmp_path / "world") as fresh:
        (fresh / "x").write_text("x")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, elsewhere.name, "a.csv", "world"])
