import pytest
from dataset_files import the_line
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_sources import write_bytes

from ligature.data.pools.lines import read_cc3m, read_cc12m
from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError

WHOLE = RowSlice()


def rows_of(table):
    return list(table.itertuples(index=False, name=None))


def test_cc3m_has_the_caption_first_and_cc12m_the_address(tmp_path):
    path = write_bytes(tmp_path, b"a cat\thttp://a.com/1\na dog\thttp://a.com/2\n")
    assert rows_of(read_cc3m(path, WHOLE)) == [(0, "http://a.com/1", "a cat"), (1, "http://a.com/2", "a dog")]
    path = write_bytes(tmp_path, b"http://a.com/1\ta cat\nhttp://a.com/2\ta dog")
    assert rows_of(read_cc12m(path, WHOLE)) == [(0, "http://a.com/1", "a cat"), (1, "http://a.com/2", "a dog")]


def test_quotes_tabs_and_separators_within_captions_are_kept(tmp_path):
    caption = 'a "cat\tand\t"" dog, \\n \u2028 \x0c \r mouse'
    path = write_bytes(tmp_path, f"{caption}\thttp://a.com/1\n".encode())
    assert rows_of(read_cc3m(path, WHOLE)) == [(0, "http://a.com/1", caption)]
    path = write_bytes(tmp_path, f"http://a.com/1\t{caption}\n".encode())
    assert rows_of(read_cc12m(path, WHOLE)) == [(0, "http://a.com/1", caption)]


def test_byte_order_mark_and_line_ends_of_windows_belong_to_no_value(tmp_path):
    path = write_bytes(tmp_path, b"\xef\xbb\xbfhttp://a.com/1\ta cat\r\nhttp://a.com/2\ta dog\r\n")
    assert rows_of(read_cc12m(path, WHOLE)) == [(0, "http://a.com/1", "a cat"), (1, "http://a.com/2", "a dog")]


def test_bytes_that_are_not_utf8_become_replacement_characters(tmp_path):
    path = write_bytes(tmp_path, b"http://a.com/1\tcaf\xe9\n")
    assert rows_of(read_cc12m(path, WHOLE)) == [(0, "http://a.com/1", "caf\ufffd")]


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(0, 20), slices=st.integers(1, 7), ended=st.booleans())
def test_slices_together_hold_every_line_once(tmp_path_factory, rows, slices, ended):
    text = "\n".join(f"cat {row}\thttp://a.com/{row}" for row in range(rows)) + ("\n" if ended and rows else "")
    path = write_bytes(tmp_path_factory.mktemp("slices"), text.encode())
    parts = [read_cc3m(path, RowSlice(index, slices)) for index in range(slices)]
    found = [row for part in parts for row in rows_of(part)]
    assert found == [(row, f"http://a.com/{row}", f"cat {row}") for row in range(rows)]


@pytest.mark.parametrize("line", [b"a caption alone\n", b"\n"])
def test_a_line_without_a_tab_is_named(tmp_path, line):
    path = write_bytes(tmp_path, b"http://a.com/1\ta cat\n" + line + b"http://a.com/3\ta dog\n")
    expected = f"{path}: line 2 has no tab between caption and address; correct or remove it"
    assert the_line(read_cc12m, path, WHOLE, error=DataError) == expected
    assert len(read_cc12m(path, RowSlice(2, 3))) == 1


def test_a_file_that_is_missing_is_one_line(tmp_path):
    line = the_line(read_cc3m, tmp_path / "none.tsv", WHOLE, error=DataError)
    assert line.endswith("none.tsv: cannot be read (No such file or directory); check the path of the source")
    assert "cannot be read (Is a directory)" in the_line(read_cc3m, tmp_path, WHOLE, error=DataError)
