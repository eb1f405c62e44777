"""A file that is not what was written is noticed by whoever reads it: one flipped bit, an end cut off, nothing left."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ligature.cli import main
from ligature.errors import DamagedError, DataError
from ligature.store.arrays import read_array, write_array
from ligature.store.atomic import write_json
from ligature.store.damage import check_sum, read_json, read_sealed, reading, set_aside, write_sealed
from ligature.store.hashing import hash_files
from ligature.store.tables import check_table, read_table, write_table

TABLE = pd.DataFrame({"uid": np.arange(40, dtype=np.uint64) * 977, "text": [f"row {n % 7}" for n in range(40)]})


def hurt_copies(data: bytes, step: int = 1):
    """Yields a file's bytes with an end cut off, without any, and with one bit flipped at many places."""
    yield from (b"", data[: len(data) // 2], data[:-1])
    for place in range(0, len(data), step):
        yield data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]


def noticed_or_harmless(path: Path, read, same, step: int = 1) -> tuple[int, int]:
    """Reads every hurt copy of a file; returns how many were noticed and how many gave what was written."""
    whole, noticed, harmless = path.read_bytes(), 0, 0
    expected = read(path)
    for data in hurt_copies(whole, step):
        path.write_bytes(data)
        try:
            assert same(read(path), expected), f"other values, and not noticed: byte {path.stat().st_size}"
            harmless += 1
        except DamagedError:
            noticed += 1
    path.write_bytes(whole)
    return noticed, harmless


def test_a_hurt_table_is_noticed_or_gives_the_rows_that_were_written(tmp_path):
    path = tmp_path / "table.parquet"
    write_table(path, TABLE)
    noticed, harmless = noticed_or_harmless(path, read_table, lambda one, other: one.equals(other))
    assert noticed > harmless


def test_a_table_is_the_same_bytes_whenever_it_is_written_and_its_pages_have_sums(tmp_path):
    write_table(tmp_path / "one.parquet", TABLE)
    write_table(tmp_path / "two.parquet", TABLE)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    pd.testing.assert_frame_equal(read_table(tmp_path / "one.parquet", ["text"]), TABLE[["text"]])


def test_readers_that_verify_nothing_are_warned_of_a_hurt_page(tmp_path):
    path = tmp_path / "table.parquet"
    write_table(path, TABLE)
    check_table(path, ["uid", "text"])
    start = pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[start + 60] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedError, match=r"table\.parquet: damaged"):
        check_table(path, ["uid", "text"])


@pytest.mark.parametrize("array", [np.arange(9, dtype=np.uint64), np.array([], np.uint64)], ids=["rows", "no rows"])
def test_every_hurt_copy_of_an_array_is_noticed(tmp_path, array):
    path = tmp_path / "array.npy"
    write_array(path, array)
    data = path.read_bytes()
    for hurt in hurt_copies(data):
        path.write_bytes(hurt)
        with pytest.raises(DamagedError):
            read_array(path)
    path.write_bytes(data)
    np.testing.assert_array_equal(read_array(path), array)
    np.testing.assert_array_equal(np.load(path), array)


def test_every_hurt_copy_of_a_sealed_object_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "card.json"
    values = {"config": {"depth": 2, "scale": 0.07}, "names": ["Zürich", "b"], "none": None}
    write_sealed(path, values)
    assert read_sealed(path) == values
    noticed, harmless = noticed_or_harmless(path, read_sealed, lambda one, other: {**other, **one} == one)
    assert noticed > harmless


def test_an_object_without_a_seal_is_read_as_it_is_and_a_list_is_refused(tmp_path):
    write_json(tmp_path / "old.json", {"a": 1})
    assert read_sealed(tmp_path / "old.json") == {"a": 1}
    write_json(tmp_path / "list.json", [1])
    assert read_json(tmp_path / "list.json") == [1]
    with pytest.raises(DamagedError, match="no object"):
        read_sealed(tmp_path / "list.json")


def test_a_sum_is_checked_again_when_the_file_changes(tmp_path):
    path = tmp_path / "images.tar"
    path.write_bytes(b"whole")
    expected = hash_files([path])
    check_sum(path, expected)
    check_sum(path, expected)
    path.write_bytes(b"hurt!")
    os.utime(path, ns=(1, 1))
    with pytest.raises(DamagedError, match="SHA-256") as caught:
        check_sum(path, expected, declared=tmp_path / "report.json")
    assert (caught.value.path, caught.value.declared) == (path, tmp_path / "report.json")
    path.unlink()
    with pytest.raises(DamagedError, match="it is missing"):
        check_sum(path, expected)


def test_what_cannot_be_reached_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError), reading(tmp_path / "none"):
        (tmp_path / "none").read_bytes()
    with pytest.raises(PermissionError), reading(tmp_path):
        raise PermissionError(13, "Permission denied")
    with pytest.raises(DamagedError, match=r"damaged \(two lines\)"), reading(tmp_path):
        raise OSError("two\n lines")
    with pytest.raises(DataError, match="another story"), reading(tmp_path):
        raise DataError("another story")


def test_a_damaged_file_is_renamed_in_place_of_an_older_one(tmp_path):
    path = tmp_path / "a.json"
    for content in ("first", "second"):
        path.write_text(content)
        assert set_aside(path) == "a.json set aside as a.json.damaged; run again to make it anew"
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.json.damaged", "second")]
    assert "set aside already" in set_aside(path)


def test_a_file_that_cannot_be_renamed_is_said(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    assert "could not be set aside (Read-only file system); remove it" in set_aside(tmp_path / "a")


def test_the_command_line_says_it_in_one_line_and_sets_the_declared_file_aside(tmp_path, monkeypatch):
    tar, report = tmp_path / "images.tar", tmp_path / "report.json"
    tar.write_bytes(b"x")
    report.write_text(json.dumps({}))

    def fail():
        raise DamagedError(tar, "its SHA-256 is not the one of what was written", declared=report)

    monkeypatch.setattr(main, "app", fail)
    monkeypatch.setattr(main, "_register", lambda typed: None)
    monkeypatch.setattr(sys, "argv", ["ligature", "assemble"])
    with pytest.raises(SystemExit) as caught:
        main.run()
    assert caught.value.code == (
        f"error: {tar}: damaged (its SHA-256 is not the one of what was written); "
        "report.json set aside as report.json.damaged; run again to make it anew"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images.tar", "report.json.damaged"]
