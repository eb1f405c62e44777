"""Downloading rows: canonical files, resuming, trying again, with a stand-in for img2dataset."""

import hashlib
import io
import json
import os
import tarfile

import pandas as pd
import pyarrow.parquet as pq
import pytest
from dataset_files import the_line
from download_stub import PARAMS, PATHS, STATUS, Img2dataset, check_table, contents, rows_of
from PIL import Image
from web_stub import jpeg, serving

from ligature.data.download import RETRYABLE, STATUSES, download_rows, fetching, packing, retry_failed
from ligature.data.images import read_image
from ligature.data.shards import open_shards, read_report
from ligature.errors import DataError


@pytest.fixture
def web():
    with serving() as server:
        yield server


@pytest.fixture
def img2dataset(web, monkeypatch):
    stub = Img2dataset(web.address)
    monkeypatch.setattr(fetching, "_run", stub)
    monkeypatch.setattr(fetching, "SHARD_ROWS", 4)
    return stub


def test_every_row_gets_an_image_or_a_reason(img2dataset, tmp_path):
    rows = rows_of(*PATHS)
    report = download_rows(rows, tmp_path / "part", PARAMS)
    table = check_table(tmp_path / "part", rows, STATUS)
    assert set(STATUS) <= set(STATUSES)
    assert set(RETRYABLE) < set(STATUSES)
    assert report == read_report(tmp_path / "part")
    assert (report["rows"], report["success"], report["status"]["not an image"]) == (17, 4, 2)
    assert report["hosts"]["images1.example"]["success"] == 1
    assert sum(count for counts in report["hosts"].values() for count in counts.values()) == 17
    assert report["bytes"] == (tmp_path / "part/images.tar").stat().st_size
    assert table["width"].dropna().tolist() == [48, 96, 48, 48]


def test_members_are_samples_of_webdataset_without_a_trace_of_time(img2dataset, tmp_path):
    download_rows(rows_of("ok1", "big2"), tmp_path, PARAMS)
    with tarfile.open(tmp_path / "images.tar") as tar:
        members = tar.getmembers()
        data = {member.name: tar.extractfile(member).read() for member in members}
    keys = ["8000000000000000", "8000000000000001"]
    assert list(data) == [f"{key}.{kind}" for key in keys for kind in ("jpg", "json", "txt")]
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(0, 0, 0, "")}
    assert data[f"{keys[0]}.jpg"] == jpeg(1), "a small picture keeps its bytes"
    assert Image.open(io.BytesIO(data[f"{keys[1]}.jpg"])).size == (96, 64)
    assert data[f"{keys[1]}.txt"].decode() == "été big2"
    assert json.loads(data[f"{keys[0]}.json"]) == {
        "uid": keys[0],
        "caption": "été ok1",
        "concept": -1,
        "score": None,
        "source": "toy",
        "url": "http://images0.example/ok1",
        "width": 48,
        "height": 40,
        "sha256": hashlib.sha256(jpeg(1)).hexdigest()[:32],
    }


@pytest.mark.slow
def test_webdataset_reads_the_tar(img2dataset, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    download_rows(rows_of("ok1", "code404", "ok2"), tmp_path, PARAMS)
    samples = list(webdataset.WebDataset(str(tmp_path / "images.tar"), shardshuffle=False).decode("pil"))
    assert [sample["__key__"] for sample in samples] == ["8000000000000000", "8000000000000002"]
    assert samples[1]["txt"] == "été ok2"
    assert samples[1]["jpg"].size == (48, 40)


def test_downloads_open_as_a_data_set(img2dataset, tmp_path):
    download_rows(rows_of("ok1", "code404", "ok2"), tmp_path / "a", PARAMS)
    download_rows(rows_of("ok3", first_uid=7), tmp_path / "b", PARAMS)
    dataset = open_shards([tmp_path / "a", tmp_path / "b"], "collected", kept={7, 2**63 + 2})
    assert dataset.images["id"].tolist() == ["8000000000000002", "0000000000000007"]
    assert dataset.texts["text"].tolist() == ["été ok2", "été ok3"]
    hashes = [read_image(path)[1] for path in dataset.images["path"]]
    assert hashes == [hashlib.sha256(jpeg(number)).hexdigest()[:32] for number in (2, 3)]


def test_the_order_of_rows_does_not_matter(img2dataset, tmp_path):
    rows = rows_of(*PATHS[:9])
    download_rows(rows, tmp_path / "a", PARAMS)
    download_rows(rows.iloc[::-1], tmp_path / "b", PARAMS)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_killed_download_goes_on_and_ends_with_the_same_bytes(img2dataset, web, tmp_path):
    rows = rows_of(*PATHS)
    download_rows(rows, tmp_path / "whole", PARAMS)
    img2dataset.shards = 2
    web.requests.clear()
    line = the_line(download_rows, rows, tmp_path / "killed", PARAMS, error=DataError)
    assert "9 of 17 rows are unfinished, killed; run again to go on" in line
    assert [path.name for path in (tmp_path / "killed").iterdir()] == [".scratch"]
    img2dataset.shards = 99
    download_rows(rows, tmp_path / "killed", PARAMS)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert set(web.requests.values()) == {1}, "nothing was fetched twice"


@pytest.mark.parametrize("damage", ["tar", "parquet", "rows"])
def test_a_torn_shard_is_fetched_again(damage, img2dataset, web, tmp_path):
    rows = rows_of("ok1", "ok2", "ok3", "ok4", "ok5", "ok6")
    download_rows(rows, tmp_path / "whole", PARAMS)
    img2dataset.shards = 1
    the_line(download_rows, rows, tmp_path / "torn", PARAMS, error=DataError)
    shards = tmp_path / "torn/.scratch/shards"
    assert sorted(path.name for path in shards.iterdir()) == ["00000.parquet", "00000.tar", "00000_stats.json"]
    if damage == "rows":
        table = pq.read_table(shards / "00000.parquet")
        pq.write_table(table.slice(1), shards / "00000.parquet")
    else:
        os.truncate(shards / f"00000.{damage}", 700)
    img2dataset.shards = 99
    download_rows(rows, tmp_path / "torn", PARAMS)
    assert contents(tmp_path / "torn") == contents(tmp_path / "whole")
    assert web.requests["/ok1"] == 3


def test_a_finished_folder_is_left_alone_until_something_else_is_asked_for(img2dataset, tmp_path):
    rows = rows_of("ok1", "code404", "ok2")
    report = download_rows(rows, tmp_path, PARAMS)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert download_rows(rows.iloc[::-1], tmp_path, PARAMS.model_copy(update={"min_success": 0.5})) == report
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    assert img2dataset.runs == 1
    assert download_rows(rows.iloc[:2], tmp_path, PARAMS)["rows"] == 2
    assert download_rows(rows.iloc[:2], tmp_path, PARAMS.model_copy(update={"min_image_side": 41}))["success"] == 0
    assert img2dataset.runs == 3


def test_shards_of_other_rows_are_not_used(img2dataset, tmp_path):
    img2dataset.shards = 1
    the_line(download_rows, rows_of("ok1", "ok2", "ok3", "ok4", "ok5"), tmp_path, PARAMS, error=DataError)
    img2dataset.shards = 99
    rows = rows_of("ok6", "ok2", "ok3", "ok4", "ok5")
    download_rows(rows, tmp_path, PARAMS)
    table = check_table(tmp_path, rows, ["success"] * 5)
    assert table["sha256"][0] == hashlib.sha256(jpeg(6)).hexdigest()[:32]


def test_too_few_images_are_an_error_that_names_the_commonest_reason(img2dataset, tmp_path):
    params = PARAMS.model_copy(update={"min_success": 0.5})
    rows = rows_of("ok1", "code404", "html", "code404")
    line = the_line(download_rows, rows, tmp_path, params, error=DataError)
    assert line == (
        f"{tmp_path / 'report.json'}: only 1 of 4 images arrived, less than min_success 0.5; "
        "the commonest reason is 'not found' (2 rows)"
    )
    assert json.loads((tmp_path / "report.json").read_text())["status"] == {
        "not found": 2,
        "not an image": 1,
        "success": 1,
    }
    assert the_line(download_rows, rows, tmp_path, params, error=DataError) == line
    assert img2dataset.runs == 1


def test_dead_links_and_no_rows_give_an_empty_tar(img2dataset, tmp_path):
    assert download_rows(rows_of("code404", "code410"), tmp_path / "a", PARAMS)["success"] == 0
    assert download_rows(rows_of(), tmp_path / "b", PARAMS.model_copy(update={"min_success": 0.5}))["rows"] == 0
    for folder in ("a", "b"):
        with tarfile.open(tmp_path / folder / "images.tar") as tar:
            assert tar.getnames() == []
    assert pq.read_schema(tmp_path / "b/images.parquet").remove_metadata() == packing.SCHEMA


def test_rows_that_contradict_each_other_are_refused(tmp_path):
    rows = rows_of("ok1", "ok2")
    line = the_line(download_rows, pd.concat([rows, rows]), tmp_path, PARAMS, error=DataError)
    assert line == "rows to download: uid 8000000000000001 stands twice"
    line = the_line(download_rows, rows.drop(columns="score"), tmp_path, PARAMS, error=DataError)
    assert line == "rows to download: column 'score' is missing"
    line = the_line(download_rows, rows.assign(url=None), tmp_path, PARAMS, error=DataError)
    assert line == "rows to download: column 'url' must hold text in every row"


def test_a_second_try_ends_as_if_all_had_arrived_at_first(img2dataset, web, tmp_path):
    rows = rows_of(*PATHS)
    download_rows(rows, tmp_path / "late", PARAMS)
    web.down = False
    download_rows(rows, tmp_path / "whole", PARAMS)
    assert contents(tmp_path / "late") != contents(tmp_path / "whole")
    web.requests.clear()
    report = retry_failed(tmp_path / "late", PARAMS)
    assert contents(tmp_path / "late") == contents(tmp_path / "whole")
    assert report["success"] == 5
    assert set(web.requests) == {"/later4", "/cut6", "/drip", "/code418"}, "only what may have passed"
    check_table(tmp_path / "late", rows, [*STATUS[:7], "success", *STATUS[8:]])


def test_a_second_try_with_nothing_to_try_changes_nothing(img2dataset, tmp_path):
    download_rows(rows_of("ok1", "code404"), tmp_path, PARAMS)
    before = contents(tmp_path)
    retry_failed(tmp_path, PARAMS)
    assert contents(tmp_path) == before
    assert img2dataset.runs == 1


def test_a_second_try_needs_a_finished_and_unchanged_folder(img2dataset, tmp_path):
    assert "not finished" in the_line(retry_failed, tmp_path, PARAMS, error=DataError)
    download_rows(rows_of("ok1", "later2"), tmp_path, PARAMS)
    tar = bytearray((tmp_path / "images.tar").read_bytes())
    tar[600] ^= 255
    (tmp_path / "images.tar").write_bytes(tar)
    assert "download this folder again" in the_line(retry_failed, tmp_path, PARAMS, error=DataError)


def test_addresses_are_encoded_and_hostile_ones_do_no_harm(img2dataset, web, tmp_path):
    rows = rows_of("ok1?q=a b", "ok2?é%20", "ok3")
    rows.loc[rows["uid"] == 2**63 + 2, "url"] = "http://[bad/\n$(touch x)"
    report = download_rows(rows, tmp_path, PARAMS)
    assert report["status"] == {"success": 2, "refused address": 1}


def test_a_disk_that_fills_up_while_packing_is_one_line(img2dataset, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    rows = rows_of("ok1", "ok2", "code404")
    with monkeypatch.context() as patch:
        patch.setattr(packing, "_add_sample", full)
        line = the_line(download_rows, rows, tmp_path, PARAMS, error=DataError)
    assert line == f"{tmp_path}: cannot be written (No space left on device); make room and run again"
    assert [path.name for path in tmp_path.iterdir()] == [".scratch"]
    assert download_rows(rows, tmp_path, PARAMS)["success"] == 2
    assert img2dataset.runs == 1
