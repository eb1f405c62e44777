"""Pictures inside tar files, read in place, and shards as a data set."""

import io
import json
import tarfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_files import the_line
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data.shards import member_path, open_shards, read_bytes, read_report, read_table, split_member
from ligature.errors import DataError


def write_shards(folder, captions, missing=(), first=1):
    """Writes what a download leaves: one picture a caption but for the missing ones; uids count from ``first``."""
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    with (folder / "images.tar").open("wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        for uid, caption in enumerate(captions, first):
            record = {"uid": uid, "caption": caption, "status": "not found", "offset": None, "size": None}
            if uid not in missing:
                member = tarfile.TarInfo(f"{uid:016x}.jpg")
                member.size = 5 + uid
                record |= {"status": "success", "offset": file.tell() + 512, "size": member.size}
                tar.addfile(member, io.BytesIO(bytes([uid]) * member.size))
            records.append(record)
    schema = pa.schema([("uid", pa.uint64()), ("caption", pa.string()), ("status", pa.string())])
    schema = schema.append(pa.field("offset", pa.int64())).append(pa.field("size", pa.int64()))
    pq.write_table(pa.Table.from_pylist(records, schema), folder / "images.parquet")
    success = len(captions) - len(missing)
    (folder / "report.json").write_text(json.dumps({"rows": len(captions), "success": success}))
    return folder


@given(st.text(min_size=1), st.integers(0, 10**17), st.integers(0, 10**17))
@settings(max_examples=25, deadline=None)
def test_a_place_in_a_tar_is_one_path_and_back(tar, offset, size):
    assert split_member(member_path(tar, offset, size)) == (tar, offset, size)


@pytest.mark.parametrize("path", ["a.jpg", "a::b.jpg", "::1+2", "a::1+", "a::-1+2", "a::1+2 ", "a::1+" + "9" * 19])
def test_any_other_path_is_a_plain_file(path):
    assert split_member(path) == (path, 0, None)


def test_bytes_are_read_in_place(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    path = str(tmp_path / "file")
    assert read_bytes(path, 10) == b"0123456789"
    assert read_bytes(member_path(path, 3, 4), 4) == b"3456"
    assert read_bytes(member_path(path, 10, 0), 4) == b""


def test_what_cannot_be_read_has_a_reason(tmp_path):
    path = str(tmp_path / "file")
    (tmp_path / "file").write_bytes(bytes(2 << 20))
    for wanted, limit, reason in [
        (path, 1 << 20, "file above 1 MiB"),
        (member_path(path, 0, (1 << 20) + 1), 1 << 20, "file above 1 MiB"),
        (member_path(path, 2 << 20, 1), 9, "place beyond the end of the tar"),
        (member_path(tmp_path / "none", 0, 1), 9, "missing file"),
        (str(tmp_path), 9, "unreadable file (Is a directory)"),
    ]:
        with pytest.raises(ValueError, match=r".") as caught:
            read_bytes(wanted, limit)
        assert str(caught.value) == reason


def test_shards_are_one_data_set_in_the_order_of_folders(tmp_path):
    folders = [
        write_shards(tmp_path / "b", ["one", "two", "three"], {2}),
        write_shards(tmp_path / "a", ["x"], first=16),
    ]
    dataset = open_shards(folders, "toy")
    assert (dataset.name, dataset.split, dataset.class_names) == ("toy", "train", None)
    assert dataset.images["id"].tolist() == [f"{uid:016x}" for uid in (1, 3, 16)]
    assert dataset.texts["id"].tolist() == [f"{uid:016x}#0" for uid in (1, 3, 16)]
    assert dataset.texts["image_id"].tolist() == dataset.images["id"].tolist()
    assert dataset.texts["text"].tolist() == ["one", "three", "x"]
    expected = [bytes([uid]) * (5 + uid) for uid in (1, 3, 16)]
    assert [read_bytes(path, 99) for path in dataset.images["path"]] == expected


@pytest.mark.parametrize("kept", [{3, 2}, [3], np.array([3, 99], np.uint64)])
def test_only_kept_uids_stay(kept, tmp_path):
    dataset = open_shards([write_shards(tmp_path, ["one", "two", "three"], {2})], "toy", kept=kept)
    assert dataset.images["id"].tolist() == [f"{3:016x}"]
    assert dataset.texts["text"].tolist() == ["three"]


def test_uids_above_the_signed_range_are_told_apart(tmp_path):
    high = 2**64 - 2
    folder = write_shards(tmp_path, ["one"])
    table = pd.concat([pd.read_parquet(folder / "images.parquet")] * 2, ignore_index=True)
    table["uid"] = np.array([high, high + 1], np.uint64)
    table.to_parquet(folder / "images.parquet")
    (folder / "report.json").write_text('{"rows": 2, "success": 2}')
    assert open_shards([folder], "toy", kept={high}).images["id"].tolist() == ["fffffffffffffffe"]


def test_nothing_left_is_an_error(tmp_path):
    folder = write_shards(tmp_path, ["one"], {1})
    assert "no image arrived that is to be kept" in the_line(open_shards, [folder], "toy", error=DataError)
    folder = write_shards(tmp_path, ["one"])
    line = the_line(open_shards, [folder], "toy", kept=[], error=DataError)
    assert line.startswith(f"{folder}: no image arrived")
    assert "no folder" in the_line(open_shards, [], "toy", error=DataError)


def test_a_folder_twice_is_an_error(tmp_path):
    folder = write_shards(tmp_path, ["one"])
    assert "stands twice" in the_line(open_shards, [folder, folder], "toy", error=DataError)


def test_a_download_that_is_unfinished_or_contradicts_itself_is_one_line(tmp_path):
    folder = write_shards(tmp_path, ["one", "two"])

    def line():
        return the_line(open_shards, [folder], "toy", error=DataError)

    with (folder / "images.tar").open("rb+") as file:
        file.truncate(1200)
    assert line() == (f"{folder / 'images.tar'}: damaged (the place of image 0000000000000002 lies outside the file)")
    table = pd.read_parquet(folder / "images.parquet")
    table.assign(offset=[512, None]).to_parquet(folder / "images.parquet")
    assert "the place of image 0000000000000002 lies outside" in line()
    (folder / "images.tar").unlink()
    assert line() == f"{folder / 'images.tar'}: damaged (it is missing)"
    (folder / "report.json").write_text('{"rows": 2, "success": 1}')
    assert "does not belong to report.json" in line()
    (folder / "images.parquet").write_bytes(b"PAR1")
    assert "images.parquet: damaged" in line()
    for broken in ("{", "[]", '{"rows": 2}', '{"rows": 2, "success": null}', "\xff"):
        (folder / "report.json").write_text(broken, encoding="latin-1")
        assert "report.json: damaged" in line()
    (folder / "report.json").unlink()
    assert line() == f"{folder / 'report.json'}: missing, the download is not finished; run it again"


def test_report_and_table_are_read_as_they_are(tmp_path):
    folder = write_shards(tmp_path, ["one", "two"], {2})
    assert read_report(folder) == {"rows": 2, "success": 1}
    assert read_table(folder, ["uid", "status"]).to_dict("list") == {"uid": [1, 2], "status": ["success", "not found"]}
