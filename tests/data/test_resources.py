import csv
import io
from pathlib import Path

import pytest

from ligature.data.remote.resources import (
    COLUMNS,
    FORMATS,
    POOLS,
    Source,
    find_files,
    find_source,
    is_web_address,
    read_sources,
    table_of_sources,
)
from ligature.errors import DataError

TABLE = Path(__file__).parents[2] / "workflow" / "resources" / "sources.csv"
ROW = {
    "name": "pool",
    "version": "1",
    "format": "cc12m",
    "parts": "3",
    "address": "https://example.org/{part}.tsv",
    "archive": "",
    "member": "",
    "path": "",
    "sha256": "",
    "bytes": "1000",
    "rows": "",
    "licence": "CC0",
    "gated": "no",
    "home": "https://example.org",
    "note": 'commas, and "quotes"',
}


def write(folder, *rows, columns=COLUMNS):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([row[column] for column in columns] for row in rows)
    path = folder / "sources.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def test_the_table_that_comes_with_the_workflow_is_whole():
    table = read_sources(TABLE)
    assert {"laion400m", "relaion400m", "cc3m", "cc12m", "sbu"} <= set(table["name"])
    assert set(table["format"]) <= set(FORMATS)
    assert tuple(table.columns) == COLUMNS
    assert (table["note"] != "").all()


def test_a_source_that_readers_take_names_its_file_inside_an_archive():
    table = read_sources(TABLE)
    packed = table["address"].str.contains(r"\.(?:zip|tar\.gz)$") & table["format"].isin(POOLS)
    assert set(table["name"][packed]) == {"sbu", "coco-annotations"}
    assert ((table["member"] != "") == packed).all()


def test_what_has_no_checksum_or_no_size_says_so_or_is_gated_or_gone():
    table = read_sources(TABLE)
    unchecked = table[(table["sha256"] == "") & ~table["gated"]]
    assert unchecked["note"].str.contains("not verified|Gone").all()


def test_the_table_holds_what_the_study_of_the_paper_needs():
    table = read_sources(TABLE)
    wanted = {
        "coco-train-images",
        "coco-val-images",
        "coco-annotations",
        "karpathy-splits",
        "flickr30k-images",
        "nocaps",
    }
    wanted |= {"imagenet-val-images", "imagenet-train-images", "imagenet-v2", "caltech-101", "oxford-pets", "sun397"}
    wanted |= {"stanford-cars", "flowers-102", "food-101", "fgvc-aircraft", "cub-200", "ucf101", "eurosat", "dtd"}
    wanted |= {"imagenet-sketch", "imagenet-a", "imagenet-r", "imagenet-o"}
    wanted |= {"cifar-10", "cifar-100", "voc", "pascal-context", "xtd10", "multi30k", "docci"}
    assert wanted <= set(table["name"])
    assert set(table["name"][table["gated"]]) == {
        "relaion400m",
        "flickr30k-images",
        "imagenet-val-images",
        "imagenet-train-images",
    }


def test_a_data_set_may_have_several_files_but_a_pool_has_one_row(tmp_path):
    one = {**ROW, "format": "archive", "parts": "1", "address": "https://example.org/a.zip", "path": "in/here"}
    two = {**one, "format": "file", "address": "https://example.org/b.mat", "rows": "12"}
    path = write(tmp_path, one, two, {**ROW, "name": "other"})
    assert [(source.path, source.rows) for source in find_files(path, "pool@1")] == [("in/here", None), ("in/here", 12)]
    with pytest.raises(DataError, match="pool@1 has 2 rows; it is unpacked as a whole"):
        find_source(path, "pool@1")
    with pytest.raises(DataError, match="row pool@1 stands twice"):
        read_sources(write(tmp_path, one, one))


def test_a_path_stays_in_the_folder(tmp_path):
    for wrong in ("../up", "/root", "a/../b", "a//b", ".hidden"):
        with pytest.raises(DataError, match=r"path '.*' must be names with slashes between"):
            read_sources(write(tmp_path, {**ROW, "path": wrong}))


def test_another_table_is_named_by_a_variable(monkeypatch):
    monkeypatch.delenv("LIGATURE_SOURCES", raising=False)
    assert table_of_sources() == Path("workflow/resources/sources.csv")
    monkeypatch.setenv("LIGATURE_SOURCES", "/mirror/sources.csv")
    assert table_of_sources() == Path("/mirror/sources.csv")


def test_columns_have_their_types(tmp_path):
    table = read_sources(write(tmp_path, ROW, {**ROW, "version": "2", "bytes": "", "gated": "yes"}))
    assert table["parts"].tolist() == [3, 3]
    assert str(table["bytes"].dtype) == "Int64"
    assert table["bytes"].isna().tolist() == [False, True]
    assert table["gated"].tolist() == [False, True]
    assert table["note"].tolist() == [ROW["note"]] * 2


def test_a_source_is_found_by_name_and_version(tmp_path):
    path = write(tmp_path, ROW, {**ROW, "version": "2", "bytes": ""})
    source = find_source(path, "pool@1")
    assert (source.key, source.parts, source.bytes, source.gated) == ("pool@1", 3, 1000, False)
    assert source.table == str(path)
    assert find_source(path, "pool@2").bytes is None


def test_an_unknown_source_is_answered_with_what_there_is(tmp_path):
    path = write(tmp_path, ROW, {**ROW, "name": "other"})
    with pytest.raises(DataError, match=r"no row 'pool'; there are pool@1, other@1$"):
        find_source(path, "pool")
    with pytest.raises(DataError, match="there are none"):
        find_source(write(tmp_path), "pool@1")


def test_the_part_stands_in_five_digits_in_both_addresses():
    source = Source("a", "1", "file", 3, "https://x.org/{part}", archive="https://y.org/p{part}.gz")
    assert source.addresses(2) == ["https://x.org/00002", "https://y.org/p00002.gz"]
    assert Source("a", "1", "file", 1, "https://x.org/f").addresses(0) == ["https://x.org/f"]


@pytest.mark.parametrize("part", [-1, 3])
def test_a_part_that_is_not_there_is_refused(part):
    with pytest.raises(DataError, match="a@1 has parts 0 to 2"):
        Source("a", "1", "file", 3, "https://x.org/{part}").addresses(part)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "xml"}, "format 'xml' must be one of laion"),
        ({"parts": "0"}, "parts '0' must be a whole number"),
        ({"parts": "2.5"}, "parts '2.5' must be"),
        ({"bytes": "-1"}, "bytes '-1' must be"),
        ({"gated": "perhaps"}, "gated 'perhaps' must be yes or no"),
        ({"name": "../up"}, "name '../up' must be"),
        ({"licence": " "}, "licence is empty"),
        ({"home": ""}, "home is empty"),
        ({"address": "file:///etc/{part}"}, "not an http or https address"),
        ({"archive": "ftp://x.org/{part}"}, "archive 'ftp://x.org/{part}' is not"),
        ({"address": "https://x.org/all.tsv"}, "address must contain {part}, since there are 3 parts"),
        ({"sha256": "abc"}, "sha256 'abc' must be 64 digits"),
        ({"sha256": "a" * 64}, "one sha256 cannot stand for 3 parts"),
    ],
)
def test_a_wrong_row_is_named_with_its_column(tmp_path, changes, message):
    path = write(tmp_path, {**ROW, **changes})
    with pytest.raises(DataError) as caught:
        read_sources(path)
    text = str(caught.value)
    assert message in text
    assert str(path) in text
    assert "\n" not in text


def test_a_row_that_stands_twice_is_named(tmp_path):
    with pytest.raises(DataError, match="row pool@1 stands twice"):
        read_sources(write(tmp_path, ROW, ROW))


def test_missing_columns_fields_and_files_are_named(tmp_path):
    with pytest.raises(DataError, match="has the columns name, version"):
        read_sources(write(tmp_path, ROW, columns=("name", "version")))
    path = write(tmp_path, ROW)
    path.write_text(path.read_text() + "short,row\n")
    with pytest.raises(DataError, match="row 2 has 2 fields instead of 15"):
        read_sources(path)
    path.write_text("")
    with pytest.raises(DataError, match="cannot be read as csv"):
        read_sources(path)
    with pytest.raises(DataError, match=r"nothing\.csv"):
        read_sources(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://x.org/a", True),
        ("http://127.0.0.1:80/a?b=c", True),
        ("https:///a", False),
        ("https://user:secret@x.org/a", False),
        ("https://x.org/a b", False),
        ("https://x.org/\x1b[2J", False),
        ("javascript:alert(1)", False),
        ("https://[::1", False),
    ],
)
def test_web_addresses_are_told_from_the_rest(address, good):
    assert is_web_address(address) is good
