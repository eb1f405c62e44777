"""Unpacking hostile archives: nothing outside the folder, no links, nothing executable, no more than is allowed."""

import gzip
import io
import os
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data.remote import unpacking
from ligature.data.remote.unpacking import Budget, decompress, is_compressed, unpack_archive
from ligature.errors import DataError

FILES = {"a.txt": b"first", "folder/b.txt": b"second", "folder/deep/c.bin": bytes(range(256))}


def tar_of(entries, mode="w"):
    """Returns a tar of (name or entry, content) pairs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for entry, content in entries:
            entry = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return buffer.getvalue()


def unpacked(tmp_path, content, name="archive", budget=None, **options):
    archive = tmp_path / name
    archive.write_bytes(content)
    budget = budget or Budget.of_archive(archive)
    unpack_archive(archive, tmp_path / "out", budget, **options)
    return budget


def found(tmp_path):
    root = tmp_path / "out"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def link(name, target, kind=tarfile.SYMTYPE):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


@pytest.mark.parametrize("make", [tar_of, lambda e: tar_of(e, "w:gz"), lambda e: tar_of(e, "w:xz"), zip_of])
def test_files_come_out_as_they_went_in_and_are_counted(tmp_path, make):
    budget = unpacked(tmp_path, make(FILES.items()))
    assert found(tmp_path) == FILES
    assert (budget.files, budget.bytes, budget.skipped) == (3, sum(map(len, FILES.values())), 0)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=4), st.binary(max_size=40), max_size=6), st.booleans())
def test_any_names_and_contents_survive(tmp_path_factory, files, as_zip):
    folder = tmp_path_factory.mktemp("any")
    unpacked(folder, (zip_of if as_zip else tar_of)(files.items()))
    assert found(folder) == files


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt"])
@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, make, name):
    with pytest.raises(DataError, match="leaves the folder"):
        unpacked(tmp_path, make([(name, b"x")]))
    assert found(tmp_path) == {}


def test_links_and_devices_are_left_out_so_that_no_file_is_written_through_them(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    entries = [
        (link("way", str(outside)), b""),
        ("way/file.txt", b"x"),
        (link("hard", "../outside/file.txt", tarfile.LNKTYPE), b""),
        (link("pipe", "", tarfile.FIFOTYPE), b""),
        (link("disk", "", tarfile.BLKTYPE), b""),
    ]
    budget = unpacked(tmp_path, tar_of(entries))
    assert found(tmp_path) == {"way/file.txt": b"x"}
    assert budget.skipped == 4
    assert list(outside.iterdir()) == []


def test_a_link_in_a_zip_is_left_out(tmp_path):
    entry = zipfile.ZipInfo("way")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    budget = unpacked(tmp_path, zip_of([(entry, "/etc"), ("b.txt", b"b")]))
    assert (found(tmp_path), budget.skipped) == ({"b.txt": b"b"}, 1)


def test_nothing_is_executable_or_belongs_to_others(tmp_path):
    entry = tarfile.TarInfo("run.sh")
    entry.mode, entry.uid = 0o4777, 12345
    unpacked(tmp_path, tar_of([(entry, b"#!/bin/sh")]))
    facts = (tmp_path / "out/run.sh").stat()
    assert stat.S_IMODE(facts.st_mode) & 0o7111 == 0
    assert facts.st_uid == os.getuid()


@pytest.mark.parametrize("make", [lambda e: tar_of(e, "w:gz"), zip_of])
def test_a_bomb_stops_at_the_limit_of_bytes(tmp_path, make, monkeypatch):
    monkeypatch.setattr(unpacking, "FLOOR", 1000)
    with pytest.raises(DataError, match=r"unpacks to more than .* the most that is allowed for its size"):
        unpacked(tmp_path, make([("bomb", bytes(3 << 20))]))


def test_a_swarm_of_files_stops_at_the_limit_of_files(tmp_path):
    files = [(f"{number}", b"") for number in range(6)]
    with pytest.raises(DataError, match="or 5 files"):
        unpacked(tmp_path, tar_of(files), budget=Budget(1000, files_left=5))
    assert len(found(tmp_path)) == 5


def test_a_tar_of_tars_and_compressed_files_are_unpacked_in_folders_of_their_names(tmp_path):
    inner = tar_of([("x.JPEG", b"picture")])
    entries = [("n01440764.tar", inner), ("sub/texts.en.gz", gzip.compress(b"words")), ("plain.txt", b"p")]
    budget = unpacked(tmp_path, tar_of(entries), nested=True)
    expected = {"n01440764/x.JPEG": b"picture", "sub/texts.en": b"words", "plain.txt": b"p"}
    assert found(tmp_path) == expected
    assert budget.files == 5


def test_a_nested_archive_that_brings_its_own_folder_is_not_put_into_two(tmp_path):
    alone = tar_of([("pets/dog/x.jpg", b"dog")])
    beside = tar_of([("cars/x.jpg", b"car"), ("README", b"r")])
    unpacked(tmp_path, zip_of([("all/pets.tar", alone), ("all/cars.tar", beside)]), nested=True)
    expected = {"all/pets/dog/x.jpg": b"dog", "all/cars/cars/x.jpg": b"car", "all/cars/README": b"r"}
    assert found(tmp_path) == expected


def test_archives_in_an_archive_stay_as_they_are_unless_asked_for_and_one_level_deep(tmp_path):
    inner = tar_of([("deeper.tar", tar_of([("x", b"x")]))])
    unpacked(tmp_path, tar_of([("inner.tar", inner)]))
    assert set(found(tmp_path)) == {"inner.tar"}
    unpacked(tmp_path, tar_of([("inner.tar", inner)]), nested=True)
    assert "inner/deeper.tar" in found(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"<html>no archive</html>", tar_of(FILES.items(), "w:gz")[:-60], b"PK\x03\x04"]
)
def test_a_broken_archive_is_named(tmp_path, content):
    with pytest.raises(DataError, match=r"archive: cannot be unpacked .* fetch it again"):
        unpacked(tmp_path, content)


def test_a_single_compressed_file_is_told_from_an_archive_and_bounded(tmp_path):
    assert is_compressed("texts.en.gz")
    assert not is_compressed("images.tar.gz")
    path = tmp_path / "texts.gz"
    path.write_bytes(gzip.compress(b"words"))
    decompress(path, tmp_path / "texts", Budget(100))
    assert (tmp_path / "texts").read_bytes() == b"words"
    with pytest.raises(DataError, match="unpacks to more"):
        decompress(path, tmp_path / "texts", Budget(4))
    path.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="cannot be unpacked"):
        decompress(path, tmp_path / "texts", Budget(100))
