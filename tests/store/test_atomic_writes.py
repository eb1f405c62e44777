import json
import os
import platform

import pandas as pd
import pytest

from ligature.store import atomic
from ligature.store.atomic import replacing, replacing_folder, write_csv, write_json, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_new_file_takes_the_place_of_the_old_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail_half_way():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_a_failing_rename_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def no_space(*_):
        raise OSError("no space left")

    monkeypatch.setattr(atomic.os, "replace", no_space)
    with pytest.raises(OSError, match="no space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_folders_are_made_on_the_way(tmp_path):
    write_text(tmp_path / "one" / "two" / "file.txt", "text")
    assert names(tmp_path / "one" / "two") == ["file.txt"]


def test_the_temporary_name_tells_its_process_and_is_hidden(tmp_path):
    with replacing(tmp_path / "file.txt") as temporary:
        temporary.touch()
        assert temporary.name == f".file.txt.{platform.node()}.{os.getpid()}.partial"


def test_text_is_utf8_whatever_the_locale(tmp_path):
    write_text(tmp_path / "file.txt", "длинный 長い\n")
    assert (tmp_path / "file.txt").read_bytes() == "длинный 長い\n".encode()


def test_json_is_indented_readable_and_ends_with_a_newline(tmp_path):
    write_json(tmp_path / "file.json", {"b": [1, 2.5], "a": "é"})
    text = (tmp_path / "file.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "b": [')
    assert text.endswith("}\n")
    assert "é" in text
    assert json.loads(text) == {"b": [1, 2.5], "a": "é"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_that_other_readers_refuse_is_not_written(tmp_path, value):
    write_json(tmp_path / "file.json", 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file.json", {"loss": value})
    assert (tmp_path / "file.json").read_text() == "1\n"


def test_csv_has_no_index_and_one_kind_of_line_end(tmp_path):
    write_csv(tmp_path / "file.csv", pd.DataFrame({"a": [1, 2], "b": ["x, y", "z"]}, index=[7, 8]))
    assert (tmp_path / "file.csv").read_bytes() == b'a,b\n1,"x, y"\n2,z\n'


def test_a_folder_takes_the_place_of_another_whole(tmp_path):
    folder = tmp_path / "above" / "folder"
    for content in ("one", "two"):
        with replacing_folder(folder) as fresh:
            (fresh / content).write_text(content)
        assert names(folder) == [content]
    assert names(tmp_path / "above") == ["folder"]


def test_a_folder_stays_where_writing_its_successor_fails(tmp_path):
    folder = tmp_path / "folder"
    with replacing_folder(folder) as fresh:
        (fresh / "one").write_text("1")

    def write_half():
        with replacing_folder(folder) as fresh:
            (fresh / "two").write_text("2")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write_half()
    assert names(folder) == ["one"]
    assert names(tmp_path) == ["folder"]


def test_a_folder_comes_back_where_its_successor_cannot_be_moved(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    with replacing_folder(folder) as fresh:
        (fresh / "one").write_text("1")
    move, moves = os.replace, []

    def fail_at_the_second(source, target):
        moves.append(target)
        if len(moves) == 2:
            raise OSError("no")
        move(source, target)

    monkeypatch.setattr(os, "replace", fail_at_the_second)
    with pytest.raises(OSError, match="no"), replacing_folder(folder):
        pass
    assert names(folder) == ["one"]
    assert names(tmp_path) == ["folder"]
