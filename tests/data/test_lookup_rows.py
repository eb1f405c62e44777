import numpy as np
import pandas as pd
import pytest

from ligature.data.pools import uids_of, write_pool
from ligature.data.pools.lookup import lookup_rows
from ligature.errors import DataError


def pool_rows(captions: list[str], source: str = "web", part: int = 0) -> pd.DataFrame:
    """Returns pool rows whose addresses follow from their captions."""
    urls = [f"http://a.example/{number}.jpg" for number, _ in enumerate(captions)]
    empty = np.full(len(captions), np.nan, np.float32)
    keys = np.arange(len(captions), dtype=np.uint64)
    return pd.DataFrame(
        {
            "uid": uids_of(urls, captions),
            "url": urls,
            "caption": captions,
            "source": source,
            "part": np.int32(part),
            "row": np.arange(len(captions)),
            "width": pd.array([None] * len(captions), dtype="Int32"),
            "height": pd.array([None] * len(captions), dtype="Int32"),
            "licence": None,
            "nsfw": empty,
            "watermark": empty,
            "similarity": empty,
            "url_key": keys,
            "caption_key": keys,
        }
    )


@pytest.fixture
def tables(tmp_path):
    """Two pool tables; the second holds a row of the first again."""
    one, other = pool_rows(["a cat", "a dog", "a 'hat'"]), pool_rows(["a cat", "a bird"], source="more", part=4)
    paths = [tmp_path / "one.parquet", tmp_path / "o'ther.parquet"]
    for path, table in zip(paths, (one, other), strict=True):
        write_pool(path, table)
    return paths, one, other


def test_chosen_rows_are_found_over_all_tables_and_sorted_by_uid(tables):
    paths, one, other = tables
    chosen = pd.DataFrame({"uid": [one["uid"][2], other["uid"][1]], "score": [0.5, 0.25]})
    found = lookup_rows(paths, chosen)
    assert found["uid"].is_monotonic_increasing
    assert found["uid"].dtype == np.uint64
    by_uid = found.set_index("uid")
    assert by_uid.loc[one["uid"][2], ["caption", "score", "source"]].to_list() == ["a 'hat'", 0.5, "web"]
    assert by_uid.loc[other["uid"][1], ["caption", "score", "part"]].to_list() == ["a bird", 0.25, 4]


def test_of_a_row_that_stands_twice_the_first_table_counts(tables):
    paths, one, other = tables
    assert one["uid"][0] == other["uid"][0]
    chosen = pd.DataFrame({"uid": [one["uid"][0]]})
    assert lookup_rows(paths, chosen)["source"].to_list() == ["web"]
    assert lookup_rows(paths[::-1], chosen)["source"].to_list() == ["more"]


def test_a_row_that_is_nowhere_is_named(tables):
    with pytest.raises(DataError, match="uid 0000000000000007 stands in none of the 2 pool tables"):
        lookup_rows(tables[0], pd.DataFrame({"uid": np.array([7], np.uint64)}))
