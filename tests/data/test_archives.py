import io
import tarfile
import zipfile

import pytest

from ligature.data.remote.archives import extract_member
from ligature.errors import DataError

CONTENT = b"captions" * 1000


@pytest.fixture(params=["plain.tar", "packed.tar.gz", "packed.zip"])
def archive(request, tmp_path):
    """An archive of two files."""
    path = tmp_path / request.param
    files = {"notes/captions.json": CONTENT, "../outside.txt": b"climbs out"}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, data in files.items():
                opened.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as opened:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                opened.addfile(entry, io.BytesIO(data))
    return path


def test_one_file_is_taken_out(archive, tmp_path):
    target = extract_member(archive, "notes/captions.json", tmp_path / "deep" / "part-00000")
    assert target.read_bytes() == CONTENT


def test_a_name_that_climbs_out_is_no_path(archive, tmp_path):
    target = extract_member(archive, "../outside.txt", tmp_path / "inside" / "file")
    assert target.read_bytes() == b"climbs out"
    assert not (tmp_path / "outside.txt").exists()


def test_a_file_that_is_not_there_is_named(archive, tmp_path):
    with pytest.raises(DataError, match=r"has no file 'captions.json'; correct its row in the table of sources"):
        extract_member(archive, "captions.json", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_file_above_the_limit_is_not_taken_out(archive, tmp_path):
    with pytest.raises(DataError, match="has 8,000 bytes unpacked, more than 7,999"):
        extract_member(archive, "notes/captions.json", tmp_path / "target", limit=7999)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04 broken"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "broken.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a tar or zip that can be read"):
        extract_member(path, "captions.json", tmp_path / "target")
