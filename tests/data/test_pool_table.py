import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_files import the_line
from pool_sources import pool_rows

from ligature.data.pools import POOL_COLUMNS, POOL_SCHEMA, read_pool, write_pool
from ligature.errors import DataError

ROWS = pool_rows([(f"http://a.com/{row}", f"cat {row}") for row in range(20)])


def test_rows_come_back_sorted_by_uid_with_their_types(tmp_path):
    write_pool(tmp_path / "pool.parquet", ROWS)
    table = read_pool(tmp_path / "pool.parquet")
    assert list(table.columns) == POOL_COLUMNS
    expected = ROWS.sort_values("uid").reset_index(drop=True)
    pd.testing.assert_frame_equal(table, expected)
    assert table.dtypes.astype(str)[["uid", "part", "width", "nsfw"]].to_list() == [
        "uint64",
        "int32",
        "Int32",
        "float32",
    ]
    assert table["width"].isna().sum() == 19
    assert table["licence"].to_list() == [None] * 20


def test_the_same_rows_give_the_same_bytes_in_any_order(tmp_path):
    twins = pd.concat([ROWS, ROWS.assign(part=np.int32(1)), ROWS.assign(source="other")])
    write_pool(tmp_path / "one.parquet", twins)
    write_pool(tmp_path / "two.parquet", twins.sample(frac=1, random_state=0))
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    table = read_pool(tmp_path / "one.parquet")
    assert table["source"].to_list()[:3] == ["other", "toy", "toy"]
    assert table["part"].to_list()[1:3] == [1, 3]


def test_an_empty_pool_keeps_its_types(tmp_path):
    write_pool(tmp_path / "pool.parquet", ROWS.iloc[:0])
    table = read_pool(tmp_path / "pool.parquet")
    assert len(table) == 0
    assert (table.dtypes == ROWS.dtypes).all()


def test_unknown_values_are_null_in_the_file(tmp_path):
    write_pool(tmp_path / "pool.parquet", ROWS)
    file = pq.read_table(tmp_path / "pool.parquet")
    assert file.schema.equals(POOL_SCHEMA)
    assert list(file.schema.metadata) == [b"ligature_columns"]
    assert [file.column(name).null_count for name in ("width", "licence", "nsfw", "uid")] == [19, 20, 20, 0]


def test_only_the_columns_wanted_are_read_in_their_order(tmp_path):
    write_pool(tmp_path / "pool.parquet", ROWS)
    assert list(read_pool(tmp_path / "pool.parquet", ["part", "uid"]).columns) == ["part", "uid"]
    assert list(read_pool(tmp_path / "pool.parquet", ["caption"]).columns) == ["caption"]


def test_a_pool_with_a_missing_column_is_one_line(tmp_path):
    path = tmp_path / "pool.parquet"
    pq.write_table(pa.table({"uid": pa.array([1], pa.uint64())}), path)
    assert read_pool(path, ["uid"])["uid"].to_list() == [1]
    line = the_line(read_pool, path, error=DataError)
    assert line == f"{path}: column 'url' is missing or stands twice; write it again with this version"


def test_a_pool_with_a_column_of_another_type_is_one_line(tmp_path):
    path = tmp_path / "pool.parquet"
    pq.write_table(pa.table({"uid": pa.array([1], pa.int64())}), path)
    line = the_line(read_pool, path, ["uid"], error=DataError)
    assert line == f"{path}: column 'uid' is int64, not uint64; write it again with this version"


@pytest.mark.parametrize("content", [b"", b"no parquet at all", b"PAR1" + bytes(40) + b"PAR1"])
def test_a_file_that_is_no_parquet_is_one_line(tmp_path, content):
    path = tmp_path / "pool.parquet"
    path.write_bytes(content)
    assert the_line(read_pool, path, error=DataError).startswith(f"{path}: damaged (")


def test_a_missing_pool_is_one_line(tmp_path):
    assert "none.parquet: missing" in the_line(read_pool, tmp_path / "none.parquet", error=DataError)
