import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_files import the_line
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_sources import write_bytes, write_parquet

from ligature.data.pools.laion import read_laion
from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError

WHOLE = RowSlice()
LAION_400M = {
    "SAMPLE_ID": [1.0, 2.0, 3.0, 4.0],
    "URL": ["http://a.com/1", "http://a.com/2", None, "http://a.com/4"],
    "TEXT": ["a cat", None, "a dog", ""],
    "HEIGHT": [480.0, None, 1.0, float("inf")],
    "WIDTH": [640.0, None, 2.0, float("nan")],
    "LICENSE": ["?", "CC0", None, "?"],
    "NSFW": ["UNLIKELY", "UNSURE", "NSFW", None],
    "similarity": [0.3, 0.25, None, 0.4],
}
RE_LAION = {
    "url": ["http://a.com/1", "http://a.com/2"],
    "caption": ["a cat", "a dog"],
    "width": [640, 320],
    "height": [480, 240],
    "punsafe": [0.01, None],
    "nsfw": ["NSFW", "UNSURE"],
    "pwatermark": [0.9, 0.1],
    "similarity": [0.3, 0.2],
}


def values(table, column):
    return [None if value is None or value != value else value for value in table[column]]


def test_the_columns_of_laion_400m_are_read(tmp_path):
    table = read_laion(write_parquet(tmp_path, LAION_400M), WHOLE)
    assert sorted(table.columns) == ["caption", "height", "licence", "nsfw", "row", "similarity", "url", "width"]
    assert values(table, "row") == [0, 1, 2, 3]
    assert values(table, "url") == ["http://a.com/1", "http://a.com/2", None, "http://a.com/4"]
    assert values(table, "caption") == ["a cat", None, "a dog", ""]
    assert values(table, "width") == [640, None, 2, None]
    assert values(table, "height") == [480, None, 1, None]
    assert values(table, "licence") == [None, "CC0", None, None]
    assert values(table, "nsfw") == [0.0, 0.5, 1.0, None]
    assert values(table, "similarity") == [0.3, 0.25, None, 0.4]


def test_the_columns_of_re_laion_are_read_and_the_tag_fills_what_punsafe_leaves_open(tmp_path):
    table = read_laion(write_parquet(tmp_path, RE_LAION), WHOLE)
    assert values(table, "nsfw") == [0.01, 0.5]
    assert values(table, "watermark") == [0.9, 0.1]
    assert values(table, "width") == [640, 320]
    assert values(table, "caption") == ["a cat", "a dog"]


def test_columns_may_be_null_or_in_another_width_of_text(tmp_path):
    columns = {
        "Url": pa.array(["http://a.com/1", None], pa.large_string()),
        "Text": pa.array(["a cat", "a dog"]).dictionary_encode(),
        "nsfw": pa.nulls(2),
        "punsafe": pa.nulls(2),
        "width": pa.array(["640", None]),
    }
    table = read_laion(write_parquet(tmp_path, columns), WHOLE)
    assert values(table, "url") == ["http://a.com/1", None]
    assert values(table, "caption") == ["a cat", "a dog"]
    assert values(table, "nsfw") == [None, None]
    assert values(table, "width") == [640, None]


def test_bytes_that_are_not_utf8_become_replacement_characters(tmp_path):
    columns = {"url": ["http://a.com/1"] * 3, "text": pa.array([b"caf\xe9", None, b"a cat"], pa.binary())}
    table = read_laion(write_parquet(tmp_path, columns), WHOLE)
    assert values(table, "caption") == ["caf\ufffd", None, "a cat"]


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(0, 30), group=st.integers(1, 12), slices=st.integers(1, 7))
def test_slices_together_hold_every_row_once(tmp_path_factory, rows, group, slices):
    folder = tmp_path_factory.mktemp("slices")
    columns = {"url": pa.array([f"http://a.com/{row}" for row in range(rows)], pa.string()), "text": ["cat"] * rows}
    path = write_parquet(folder, {**columns, "text": pa.array(columns["text"], pa.string())}, row_group_size=group)
    parts = [read_laion(path, RowSlice(index, slices)) for index in range(slices)]
    found = [pair for part in parts for pair in zip(part["row"], part["url"], strict=True)]
    assert found == [(row, f"http://a.com/{row}") for row in range(rows)]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_slice_decodes_only_row_groups_that_hold_its_rows(tmp_path, monkeypatch):
    path = write_parquet(tmp_path, {"url": list("abcdefghij"), "text": list("abcdefghij")}, row_group_size=2)
    asked, plain = [], pq.ParquetFile.iter_batches

    def spy(file, size, row_groups, columns):
        asked.append((row_groups, columns))
        return plain(file, size, row_groups=row_groups, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
    assert values(read_laion(path, RowSlice(1, 4)), "url") == ["c", "d", "e"]
    assert asked == [([1, 2], ["url", "text"])]


def test_a_slice_of_one_large_row_group_is_cut_from_its_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("ligature.data.pools.laion._BATCH", 7)
    path = write_parquet(tmp_path, {"url": [str(row) for row in range(50)], "text": ["cat"] * 50}, row_group_size=50)
    assert values(read_laion(path, RowSlice(2, 5)), "url") == [str(row) for row in range(20, 30)]


@pytest.mark.parametrize(("gone", "name"), [("URL", "url"), ("TEXT", "caption or text")])
def test_a_missing_column_is_one_line(tmp_path, gone, name):
    path = write_parquet(tmp_path, {key: column for key, column in LAION_400M.items() if key != gone})
    line = the_line(read_laion, path, WHOLE, error=DataError)
    assert line.startswith(f"{path}: column {name!r} is missing; its columns are SAMPLE_ID, ")


def test_a_column_that_stands_there_under_two_names_is_one_line(tmp_path):
    path = write_parquet(tmp_path, {"url": ["u"], "text": ["a cat"], "caption": ["a dog"]})
    line = the_line(read_laion, path, WHOLE, error=DataError)
    assert line == f"{path}: columns ['text', 'caption'] are one and the same; keep one of them"


def test_a_column_of_a_type_that_makes_no_sense_is_one_line(tmp_path):
    path = write_parquet(tmp_path, {"url": ["u"], "text": [["a", "cat"]]})
    line = the_line(read_laion, path, WHOLE, error=DataError)
    assert line.startswith(f"{path}: column 'text' holds list<")
    path = write_parquet(tmp_path, {"url": ["u"], "text": ["a cat"], "similarity": ["high"]})
    line = the_line(read_laion, path, WHOLE, error=DataError)
    assert line == f"{path}: column 'similarity' holds string that are not numbers; check the file"


def test_a_file_that_is_missing_or_no_parquet_is_one_line(tmp_path):
    assert "none: cannot be read as parquet" in the_line(read_laion, tmp_path / "none", WHOLE, error=DataError)
    path = write_bytes(tmp_path, b"url,text\n")
    assert f"{path}: cannot be read as parquet (" in the_line(read_laion, path, WHOLE, error=DataError)


def test_a_file_whose_pages_are_damaged_is_one_line(tmp_path):
    random = np.random.default_rng(0)
    columns = {"url": [f"http://a.com/{random.random()}" for _ in range(500)], "text": ["a cat"] * 500}
    path = write_parquet(tmp_path, columns, row_group_size=500)
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    assert f"{path}: cannot be read as parquet (" in the_line(read_laion, path, WHOLE, error=DataError)
