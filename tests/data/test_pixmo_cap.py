"""Reading PixMo-Cap: addresses with long captions, in slices, without the transcripts beside them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_files import the_line
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_sources import write_bytes, write_parquet

from ligature.curation import filter_rows
from ligature.data.pools import read_source_part
from ligature.data.pools.captions import MAX_CAPTION
from ligature.data.pools.pixmo import read_pixmo
from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError
from ligature.params.curate import FilterParams

WHOLE = RowSlice()
LONG = " ".join(["a wooden chair beside a window with a red curtain"] * 17)
ROWS = {
    "image_url": ["http://a.com/1", "http://a.com/2", None, "http://a.com/4"],
    "caption": ["a cat", LONG, "a dog", None],
    "transcripts": [["um a cat", "it is a cat"], [], ["a dog"], []],
}


def test_addresses_and_captions_are_read_with_their_rows(tmp_path):
    table = read_pixmo(write_parquet(tmp_path, ROWS), WHOLE)
    assert table.columns.to_list() == ["row", "url", "caption"]
    assert table["row"].to_list() == [0, 1, 2, 3]
    assert table["url"].to_list() == ROWS["image_url"]
    assert table["caption"].to_list() == ROWS["caption"]


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(0, 30), group=st.integers(1, 12), slices=st.integers(1, 7))
def test_slices_together_hold_every_row_once(tmp_path_factory, rows, group, slices):
    urls = pa.array([f"http://a.com/{row}" for row in range(rows)], pa.string())
    columns = {"caption": pa.array(["cat"] * rows, pa.string()), "image_url": urls}
    path = write_parquet(tmp_path_factory.mktemp("pixmo"), columns, row_group_size=group)
    parts = [read_pixmo(path, RowSlice(index, slices)) for index in range(slices)]
    found = [pair for part in parts for pair in zip(part["row"], part["url"], strict=True)]
    assert found == [(row, f"http://a.com/{row}") for row in range(rows)]
    assert {caption for part in parts for caption in part["caption"]} <= {"cat"}


def test_only_two_columns_of_the_row_groups_of_a_slice_are_decoded(tmp_path, monkeypatch):
    columns = {"image_url": list("abcdefghij"), "caption": list("abcdefghij"), "transcripts": [["x"]] * 10}
    path = write_parquet(tmp_path, columns, row_group_size=2)
    asked, plain = [], pq.ParquetFile.read_row_group

    def spy(file, group, columns):
        asked.append((group, columns))
        return plain(file, group, columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", spy)
    assert read_pixmo(path, RowSlice(1, 4))["url"].to_list() == ["c", "d", "e"]
    assert asked == [(1, ["image_url", "caption"]), (2, ["image_url", "caption"])]


def test_a_file_of_other_columns_is_one_line(tmp_path):
    path = write_parquet(tmp_path, {"url": ["http://a.com"], "caption": ["a cat"]})
    line = the_line(read_pixmo, path, WHOLE, error=DataError)
    assert line == f"{path}: column 'image_url' is missing or stands twice; its columns are url, caption"
    path = write_parquet(tmp_path, {"image_url": [7], "caption": ["a cat"]})
    line = the_line(read_pixmo, path, WHOLE, error=DataError)
    assert line == f"{path}: column 'image_url' holds int64, not text; check the file"


@pytest.mark.parametrize("content", [b"", b"no parquet at all", b"PAR1" + bytes(40) + b"PAR1"])
def test_a_file_that_is_no_parquet_is_one_line(tmp_path, content):
    path = write_bytes(tmp_path, content)
    assert the_line(read_pixmo, path, WHOLE, error=DataError).startswith(f"{path}: cannot be read as parquet (")


def test_a_missing_file_is_one_line(tmp_path):
    assert "cannot be read as parquet" in the_line(read_pixmo, tmp_path / "none", WHOLE, error=DataError)


def test_a_column_of_nulls_has_no_rows_that_are_wanted(tmp_path):
    path = write_parquet(tmp_path, {"image_url": ["http://a.com/1"] * 2, "caption": pa.nulls(2)})
    table, funnel = read_source_part("pixmo-cap", path, source="pixmo", part=0)
    assert len(table) == 0
    assert funnel.dropped == {"no caption": 2}


def test_captions_of_some_hundred_words_need_a_wider_limit_than_the_default(tmp_path):
    table, funnel = read_source_part("pixmo-cap", write_parquet(tmp_path, ROWS), source="pixmo", part=0)
    assert funnel.dropped == {"no address": 1, "no caption": 1}
    assert table["caption"].to_list() == ["a cat", LONG]
    assert len(LONG.split()) == 170
    kept, funnel = filter_rows(table, FilterParams(max_characters=800), "pixmo")
    assert (kept["caption"].to_list(), funnel.dropped) == (["a cat"], {"caption too long": 1})
    kept, funnel = filter_rows(table, FilterParams(max_characters=MAX_CAPTION), "pixmo")
    assert (len(kept), funnel.dropped) == (2, {})
