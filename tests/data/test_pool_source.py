from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dataset_files import the_line
from pool_sources import write_bytes, write_parquet, write_values

from ligature.data.pools import (
    POOL_COLUMNS,
    caption_keys,
    read_pool,
    read_source_part,
    uid_of,
    url_keys,
    write_pool,
)
from ligature.data.pools.captions import MAX_CAPTION
from ligature.errors import DataError
from ligature.params.curate import SourceParams

HOSTILE = ["file:///etc/passwd", "javascript:alert(1)", "http://a.com/x y", "http://a.com/\nx", "http://a.com/\0", None]
FILES = {
    "laion": lambda folder: write_parquet(folder, {"URL": ["http://a.com/1"], "TEXT": ["a  cat\n"]}),
    "cc3m": lambda folder: write_bytes(folder, b"a  cat\thttp://a.com/1\n"),
    "cc12m": lambda folder: write_bytes(folder, b"http://a.com/1\ta  cat\n"),
    "sbu": lambda folder: write_values(folder, {"image_urls": ["http://a.com/1"], "captions": ["a  cat\n"]}),
    "coco": lambda folder: write_values(
        folder,
        {
            "images": [{"id": 1, "coco_url": "http://a.com/1"}],
            "annotations": [{"image_id": 1, "caption": "a  cat\n"}],
        },
    ),
    "pixmo-cap": lambda folder: write_parquet(folder, {"image_url": ["http://a.com/1"], "caption": ["a  cat\n"]}),
    "localized-narratives": lambda folder: write_values(
        folder, {"dataset_id": "mscoco_train2017", "image_id": "1", "caption": "a  cat\n"}
    ),
}
ADDRESSES = {"localized-narratives": "http://images.cocodataset.org/train2017/000000000001.jpg"}


def read_laion_rows(folder, urls, captions, **columns):
    columns = {"url": pa.array(urls, pa.string()), "text": pa.array(captions, pa.string()), **columns}
    return read_source_part("laion", write_parquet(folder, columns), source="web", part=2)


def test_every_format_of_a_study_is_read_here():
    assert set(FILES) == set(get_args(SourceParams.model_fields["format"].annotation))


@pytest.mark.parametrize("format", FILES)
def test_every_format_ends_in_the_same_row(tmp_path, format):
    table, funnel = read_source_part(format, FILES[format](tmp_path), source="web", part=2)
    assert list(table.columns) == POOL_COLUMNS
    row, url = table.iloc[0], ADDRESSES.get(format, "http://a.com/1")
    assert row[["url", "caption", "source", "part", "row"]].to_list() == [url, "a cat", "web", 2, 0]
    assert row["uid"] == uid_of(url, "a cat")
    assert row["url_key"] == url_keys([url])[0]
    assert row["caption_key"] == caption_keys(["a cat"])[0]
    assert row[["width", "height", "licence", "nsfw", "watermark", "similarity"]].isna().all()
    assert (funnel.step, funnel.source, funnel.rows_in, funnel.rows_out) == ("read", "web", 1, 1)


@pytest.mark.parametrize("format", FILES)
def test_rows_of_every_format_come_back_from_a_pool(tmp_path, format):
    table, _ = read_source_part(format, FILES[format](tmp_path), source="web", part=2)
    write_pool(tmp_path / "pool.parquet", table)
    pd.testing.assert_frame_equal(read_pool(tmp_path / "pool.parquet"), table)


def test_what_the_source_states_is_kept_and_what_cannot_be_is_null(tmp_path):
    table, _ = read_laion_rows(
        tmp_path,
        ["http://a.com/1"] * 5,
        ["a cat"] * 5,
        width=[640.0, 0.0, -1.0, 1e12, None],
        license=["CC\n0", " ", "?", None, "CC\n0"],
        punsafe=[0.25, None, 1.0, 0.0, 0.5],
    )
    assert table["width"].isna().to_list() == [False, True, True, True, True]
    assert table["width"][0] == 640
    assert table["licence"].to_list() == ["CC 0", None, None, None, "CC 0"]
    assert table["nsfw"].dtype == np.float32
    assert table["nsfw"].fillna(-1).to_list() == [0.25, -1, 1.0, 0.0, 0.5]


def test_rows_without_a_caption_or_an_address_are_dropped_and_counted(tmp_path):
    urls = [*HOSTILE, "http://a.com/" + "x" * 5000, "http://a.com/1", "http://a.com/2", "http://a.com/3", None]
    captions = ["a cat"] * 8 + [None, " \0\n", ""]
    table, funnel = read_laion_rows(tmp_path, urls, captions)
    assert table["url"].to_list() == ["http://a.com/1"]
    assert table["row"].to_list() == [7]
    assert funnel.rows_in == 11
    assert funnel.dropped == {"no address": 7, "no caption": 3}
    assert {sample["url"] for sample in funnel.samples["no caption"]} == {"http://a.com/2", "http://a.com/3", ""}
    assert max(len(sample["url"]) for sample in funnel.samples["no address"]) <= 160


def test_a_caption_of_ten_megabytes_is_cut_and_markup_is_text(tmp_path):
    captions = ["cat " * 2_500_000, "<script>alert('1')</script>\r\n$(id)\0"]
    table, _ = read_laion_rows(tmp_path, ["http://a.com/1", "http://a.com/2"], captions)
    assert table["caption"].to_list() == [("cat " * 2500).strip(), "<script>alert('1')</script> $(id)"]
    assert len(table["caption"][0]) <= MAX_CAPTION


def test_rows_that_nothing_is_left_of_keep_the_types(tmp_path):
    some, _ = read_laion_rows(tmp_path, ["http://a.com/1"], ["a cat"])
    none, funnel = read_laion_rows(tmp_path, [None], ["a cat"])
    empty, _ = read_laion_rows(tmp_path, [], [])
    assert (none.dtypes == some.dtypes).all()
    assert (empty.dtypes == some.dtypes).all()
    assert (len(none), len(empty), funnel.rows_out) == (0, 0, 0)


@pytest.mark.parametrize("format", ["cc3m", "cc12m"])
def test_a_line_of_column_names_is_dropped_for_want_of_an_address(tmp_path, format):
    path = write_bytes(tmp_path, b"caption\turl\n" if format == "cc3m" else b"url\tcaption\n")
    table, funnel = read_source_part(format, path, source="web", part=0)
    assert funnel.dropped == {"no address": 1}
    assert len(table) == 0


def test_slices_together_are_the_whole_file(tmp_path):
    path = write_bytes(tmp_path, b"".join(b"cat %d\thttp://a.com/%d\n" % (row, row) for row in range(10)))
    whole, funnel = read_source_part("cc3m", path, source="web", part=0)
    parts = [read_source_part("cc3m", path, source="web", part=0, slice_index=index, slices=3) for index in range(3)]
    pd.testing.assert_frame_equal(pd.concat([table for table, _ in parts], ignore_index=True), whole)
    assert parts[0][1].merge(parts[1][1]).merge(parts[2][1]) == funnel


def test_a_broken_file_is_one_line(tmp_path):
    path = write_bytes(tmp_path, b"no tab")
    assert f"{path}: " in the_line(read_source_part, "laion", path, source="web", part=0, error=DataError)
    assert f"{path}: " in the_line(read_source_part, "cc3m", path, source="web", part=0, error=DataError)
    assert f"{path}: " in the_line(read_source_part, "sbu", path, source="web", part=0, error=DataError)
