import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_tables import pool_table, write_pools

from ligature.curation.duplicates import find_duplicates
from ligature.data.pools import caption_key, read_pool, url_key
from ligature.errors import DataError

few = settings(max_examples=12, deadline=None)
URLS = ["http://a.com/1", "HTTP://A.com:80/1#x", "http://a.com/2", "http://a.com/3", "http://a.com/4"]
WORDS = ["a cat", "A cat.", "a dog", "a cow", "a fox", "a hen"]
pairs = st.tuples(st.sampled_from(URLS), st.sampled_from(WORDS))
parts = st.lists(st.lists(pairs, max_size=8), min_size=1, max_size=4)


def plain_duplicates(paths, by_url, by_caption):
    """Pass by pass over rows in the order of (uid, path, row), straight from the description."""
    rows = []
    for part, path in enumerate(paths):
        table = read_pool(path)
        rows += [
            {"uid": int(uid), "part": part, "row": row, "url": url_key(url), "caption": caption_key(caption)}
            for row, (uid, url, caption) in enumerate(zip(table["uid"], table["url"], table["caption"], strict=True))
        ]
    rows.sort(key=lambda row: (row["uid"], row["part"], row["row"]))
    passes = [("uid", "duplicate uid")]
    passes += [("url", "duplicate address")] if by_url else []
    passes += [("caption", "duplicate caption")] if by_caption else []
    dropped = []
    for name, reason in passes:
        seen, left = set(), []
        for row in rows:
            if row[name] in seen:
                dropped.append((row["uid"], row["part"], row["row"], reason))
            else:
                left.append(row)
            seen.add(row[name])
        rows = left
    return sorted(dropped), rows


def found_by(paths, by_url=True, by_caption=True, **options):
    table = find_duplicates(paths, by_url=by_url, by_caption=by_caption, **options)
    return list(table.itertuples(index=False, name=None))


@few
@given(parts, st.booleans(), st.booleans())
def test_duplicates_are_those_of_the_plain_reference(tmp_path_factory, values, by_url, by_caption):
    paths = write_pools(tmp_path_factory.mktemp("pools"), [pool_table(part) for part in values])
    expected, _ = plain_duplicates(paths, by_url, by_caption)
    assert found_by(paths, by_url, by_caption) == expected


@settings(max_examples=8, deadline=None)
@given(parts, st.randoms(use_true_random=False))
def test_what_stays_depends_neither_on_the_order_of_paths_nor_on_the_spread_of_rows(tmp_path_factory, values, random):
    def staying(parts):
        paths = write_pools(tmp_path_factory.mktemp("pools"), [pool_table(part) for part in parts])
        dropped = {(part, row) for _, part, row, _ in found_by(paths)}
        tables = [read_pool(path) for path in paths]
        return sorted(
            (uid, url, caption)
            for part, table in enumerate(tables)
            for row, (uid, url, caption) in enumerate(table[["uid", "url", "caption"]].itertuples(index=False))
            if (part, row) not in dropped
        )

    everything = [pair for part in values for pair in part]
    random.shuffle(everything)
    assert staying(values) == staying(values[::-1]) == staying([everything])


def write_keys(path, **columns):
    """Writes a pool that has nothing but keys."""
    pq.write_table(pa.table({name: pa.array(values, pa.uint64()) for name, values in columns.items()}), path)
    return path


def test_a_row_that_was_dropped_for_its_address_drops_no_other_for_its_caption(tmp_path):
    path = write_keys(tmp_path / "pool", uid=[1, 2, 3], url_key=[7, 7, 8], caption_key=[4, 5, 5])
    assert found_by([path]) == [(2, 0, 1, "duplicate address")]
    assert found_by([path], by_url=False) == [(3, 0, 2, "duplicate caption")]


def test_the_smallest_uid_stays_wherever_it_stands(tmp_path):
    one = write_keys(tmp_path / "one", uid=[5, 2**64 - 1], url_key=[7, 8], caption_key=[1, 2])
    two = write_keys(tmp_path / "two", uid=[9, 3], url_key=[8, 7], caption_key=[3, 4])
    assert found_by([one, two]) == [(5, 0, 0, "duplicate address"), (2**64 - 1, 0, 1, "duplicate address")]
    assert [(uid, part) for uid, part, *_ in found_by([two, one])] == [(5, 1), (2**64 - 1, 1)]


def test_one_row_of_each_group_stays_across_files(tmp_path):
    one, two = [("http://a.com/1", "a cat"), ("http://a.com/2", "a dog")], [("http://a.com/1", "a cat")]
    paths = write_pools(tmp_path, [pool_table(part) for part in (two, one, two)])
    uid = int(pool_table(two)["uid"][0])
    row = read_pool(paths[1])["uid"].to_list().index(uid)
    assert found_by(paths) == [(uid, 1, row, "duplicate uid"), (uid, 2, 0, "duplicate uid")]


def test_a_uid_counts_even_when_neither_address_nor_caption_does(tmp_path):
    paths = write_pools(tmp_path, [pool_table([("http://a.com/1", "a cat"), ("http://a.com/1", "a dog")])] * 2)
    assert [reason for *_, reason in found_by(paths, False, False)] == ["duplicate uid"] * 2


def test_the_result_is_typed_even_when_nothing_repeats(tmp_path):
    for pairs_ in ([], [("http://a.com/1", "a cat")], [("http://a.com/1", "a cat")] * 2):
        table = find_duplicates(write_pools(tmp_path, [pool_table(pairs_)]), by_url=True, by_caption=True)
        assert list(table.columns) == ["uid", "part", "row", "reason"]
        assert [str(table[name].dtype) for name in table] == ["uint64", "int32", "int64", "category"]
        assert len(table) == max(len(pairs_) - 1, 0)


def test_paths_with_signs_of_patterns_and_quotes_are_plain_names(tmp_path):
    folder = tmp_path / "it's [a] * ?"
    paths = write_pools(folder, [pool_table([("http://a.com/1", "a cat")])] * 2)
    assert len(found_by(paths)) == 1


def write_many(folder, rows, files=2):
    """Writes pools of random keys with many repetitions."""
    rng, highest = np.random.default_rng(0), {"uid": rows * 2, "url_key": rows, "caption_key": rows // 2}
    return [
        write_keys(folder / str(part), **{name: rng.integers(0, high, rows) for name, high in highest.items()})
        for part in range(files)
    ]


def pandas_duplicates(paths):
    """Counts of rows dropped for every reason, by pandas."""
    tables = [pd.read_parquet(path).reset_index(names="row").assign(part=part) for part, path in enumerate(paths)]
    rows = pd.concat(tables).sort_values(["uid", "part", "row"])
    counts = []
    for key in ("uid", "url_key", "caption_key"):
        counts.append(int(rows[key].duplicated().sum()))
        rows = rows.drop_duplicates(key)
    return counts


def test_only_keys_are_read_and_threads_and_memory_do_not_change_the_result(tmp_path):
    paths = write_many(tmp_path, 60_000)
    table = find_duplicates(paths, by_url=True, by_caption=True)
    assert table["reason"].value_counts(sort=False).to_list() == pandas_duplicates(paths)
    for options in ({"threads": 2}, {"memory": "20MB", "folder": tmp_path}):
        pd.testing.assert_frame_equal(find_duplicates(paths, by_url=True, by_caption=True, **options), table)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


def test_memory_that_does_not_suffice_is_one_line(tmp_path):
    paths = write_many(tmp_path, 50_000)
    with pytest.raises(DataError, match=r"^duplicates of 2 files: .*; give more memory or disk$") as caught:
        find_duplicates(paths, by_url=True, by_caption=True, memory="1MB")
    assert "\n" not in str(caught.value)


def test_a_pool_without_keys_is_one_line(tmp_path):
    path = tmp_path / "pool.parquet"
    pq.write_table(pa.table({"uid": pa.array([1], pa.uint64())}), path)
    assert found_by([path], False, False) == []
    with pytest.raises(DataError, match=r"pool\.parquet: column 'url_key' is missing"):
        found_by([path])
    with pytest.raises(DataError, match="none: missing; write it again"):
        found_by([tmp_path / "none"])
