"""Unpacking a resource of the table: whole or not at all, resumed, once, and only what the table says."""

import csv
import fcntl
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from fetch_server import Page, serving
from test_unpacking import FILES, tar_of, zip_of

from ligature.cli import unpack as command
from ligature.cli.main import VERBS
from ligature.data.open import resolve_path
from ligature.data.remote import listing, transfer
from ligature.data.remote import unpack as module
from ligature.data.remote.listing import fetch_listed
from ligature.data.remote.places import data_folder, resource_folder, resource_marker
from ligature.data.remote.resources import COLUMNS
from ligature.data.remote.unpack import unpack
from ligature.errors import DataError

KEY = "things@1"


@pytest.fixture
def web(monkeypatch, tmp_path):
    with serving() as running:
        monkeypatch.setenv("LIGATURE_MIRROR", running.root)
        monkeypatch.setenv("LIGATURE_DATA", str(tmp_path / "data"))
        monkeypatch.setattr(transfer, "BACKOFF", 0)
        monkeypatch.setattr(listing, "BACKOFF", 0)
        yield running


def row(web, name, content, **changes):
    """Serves a file of the data set and returns its row."""
    web.add(f"/example.org/{name}", Page(content))
    values = dict.fromkeys(COLUMNS, "") | {"name": "things", "version": "1", "format": "archive", "parts": "1"}
    values |= {"address": f"https://example.org/{name}", "licence": "CC0", "gated": "no", "home": "https://example.org"}
    return values | {"sha256": hashlib.sha256(content).hexdigest(), "bytes": str(max(len(content), 1))} | changes


def table(tmp_path, *rows):
    path = tmp_path / "sources.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def found(folder):
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files.pop("unpacked.json", None)
    return files


def test_files_and_archives_of_a_data_set_come_into_one_folder_with_a_marker(web, tmp_path):
    rows = [
        row(web, "a.zip", zip_of([("a.txt", b"a")])),
        row(web, "b.tar.gz", tar_of(FILES.items(), "w:gz"), path="lists"),
        row(web, "labels.mat", b"labels", format="file"),
        row(web, "names.txt", b"names", format="file", path="lists/of/names.txt"),
    ]
    folder = unpack(table(tmp_path, *rows), KEY)
    assert folder == resource_folder(KEY) == tmp_path / "data" / KEY
    expected = {"a.txt": b"a", "labels.mat": b"labels", "lists/of/names.txt": b"names"}
    assert found(folder) == expected | {f"lists/{name}": content for name, content in FILES.items()}
    marker = json.loads(resource_marker(KEY).read_text())
    assert (marker["resource"], marker["files"]) == (KEY, 6)
    assert marker["bytes"] == sum(map(len, found(folder).values()))
    facts = [(one["address"], one["sha256"], str(one["bytes"])) for one in marker["sources"]]
    assert facts == [(one["address"], one["sha256"], one["bytes"]) for one in rows]
    assert not (data_folder() / ".incoming" / KEY).exists()


def test_what_lies_there_is_not_asked_for_again_and_another_content_is_refused(web, tmp_path):
    rows = [row(web, "a.zip", zip_of([("a.txt", b"a")]))]
    unpack(table(tmp_path, *rows), KEY)
    before = resource_marker(KEY).read_bytes()
    asked = len(web.seen)
    unpack(table(tmp_path, *rows), KEY)
    assert len(web.seen) == asked
    with pytest.raises(DataError, match=r"was not unpacked from .* remove the folder, or give the row a new version"):
        unpack(table(tmp_path, rows[0] | {"sha256": "0" * 64}), KEY)
    (resource_folder(KEY) / "unpacked.json").write_text("[]")
    with pytest.raises(DataError, match="is not the record"):
        unpack(table(tmp_path, *rows), KEY)
    resource_marker(KEY).unlink()
    (resource_folder(KEY) / "left over").touch()
    unpack(table(tmp_path, *rows), KEY)
    assert found(resource_folder(KEY)) == {"a.txt": b"a"}
    assert resource_marker(KEY).read_bytes() == before


def test_a_killed_run_keeps_what_it_fetched_and_begins_to_unpack_anew(web, tmp_path, monkeypatch):
    rows = [row(web, "a.zip", zip_of([("a.txt", b"a")])), row(web, "b.zip", zip_of([("b.txt", b"b")]))]
    path = table(tmp_path, *rows)

    def killed(archive, folder, budget, **options):
        (folder / "half").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "unpack_archive", killed)
        with pytest.raises(KeyboardInterrupt):
            unpack(path, KEY)
    assert not resource_folder(KEY).exists()
    asked = len(web.seen)
    unpack(path, KEY)
    assert len(web.seen) == asked
    assert found(resource_folder(KEY)) == {"a.txt": b"a", "b.txt": b"b"}


def test_a_second_call_waits_for_the_first_and_finds_its_work(web, tmp_path, capsys):
    path = table(tmp_path, row(web, "a.zip", zip_of([("a.txt", b"a")])))
    lock = data_folder() / ".incoming" / f"{KEY}.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file, ThreadPoolExecutor(1) as pool:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = pool.submit(unpack, path, KEY)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        assert web.seen == []
        fcntl.flock(file, fcntl.LOCK_UN)
        assert waiting.result(timeout=10) == resource_folder(KEY)
    assert "another process unpacks this; waiting for it" in capsys.readouterr().err


def test_a_wrong_checksum_leaves_nothing(web, tmp_path):
    with pytest.raises(DataError, match="has sha256"):
        unpack(table(tmp_path, row(web, "a.zip", zip_of([("a.txt", b"a")]), sha256="0" * 64)), KEY)
    assert not resource_folder(KEY).exists()


def test_no_room_is_said_before_anything_is_fetched(web, tmp_path, monkeypatch):
    path = table(tmp_path, row(web, "a.zip", zip_of([("a.txt", b"a")]), bytes="5000"))
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: SimpleNamespace(free=9999))
    with pytest.raises(DataError, match=r"things@1: needs 12,000 bytes in .*, where 9,999 are free; make room, or let"):
        unpack(path, KEY)
    assert web.seen == []


def test_an_unknown_resource_is_named(web, tmp_path):
    with pytest.raises(DataError, match="has no row 'other@1'; there are things@1"):
        unpack(table(tmp_path, row(web, "a.zip", b"")), "other@1")


def listing_of(*names, address="https://pictures.org/"):
    images = [{"file_name": name, "coco_url": f"{address}{number}.jpg"} for number, name in enumerate(names)]
    return json.dumps({"images": images, "annotations": []}).encode()


def test_images_of_a_listing_are_fetched_each_once(web, tmp_path):
    for number in range(3):
        web.add(f"/pictures.org/{number}.jpg", Page(b"picture %d" % number, failures=[503] if number == 1 else []))
    content = listing_of("x.jpg", "y.jpg", "z.jpg")
    folder = unpack(table(tmp_path, row(web, "list.json", content, format="listing")), KEY)
    images = {f"images/{name}.jpg": b"picture %d" % number for number, name in enumerate("xyz")}
    assert found(folder) == {"list.json": content} | images
    assert json.loads(resource_marker(KEY).read_text())["files"] == 4


def test_a_missing_image_is_named_and_those_that_came_are_kept(web, tmp_path):
    path = tmp_path / "list.json"
    path.write_bytes(listing_of("x.jpg", "y.jpg"))
    web.add("/pictures.org/0.jpg", Page(b"picture"))
    with pytest.raises(
        DataError, match=r"https://pictures\.org/1\.jpg failed 2 times \(HTTP Error 404.*run again later"
    ):
        fetch_listed(path, tmp_path / "images", threads=1, retries=1)
    assert found(tmp_path / "images") == {"x.jpg": b"picture"}
    web.add("/pictures.org/1.jpg", Page(b"<p>", content_type="text/html"))
    with pytest.raises(DataError, match=r"is refused \(not an image"):
        fetch_listed(path, tmp_path / "images", threads=1, retries=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (listing_of("../x.jpg"), "leaves the folder"),
        (listing_of("x.jpg", address="file:///etc/"), "is not an http or https address"),
        (b'{"images": [{"file_name": "x.jpg"}]}', "not in COCO's layout"),
        (b"[]", "not in COCO's layout"),
        (b"{", "not valid json"),
    ],
)
def test_a_listing_that_is_none_is_named(tmp_path, content, message):
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        fetch_listed(path, tmp_path / "images")


def test_the_command_takes_the_table_that_a_variable_names(web, tmp_path, monkeypatch):
    monkeypatch.setenv("LIGATURE_SOURCES", str(table(tmp_path, row(web, "a.zip", zip_of([("a.txt", b"a")])))))
    assert VERBS["unpack"] == "unpack"
    command.unpack(KEY)
    assert found(resource_folder(KEY)) == {"a.txt": b"a"}
    with pytest.raises(DataError, match=r"nothing\.csv"):
        command.unpack(KEY, tmp_path / "nothing.csv")


def test_paths_of_a_study_may_lie_in_the_folder_of_public_data(monkeypatch):
    layout = SimpleNamespace(world="results/tiny/world")
    monkeypatch.delenv("LIGATURE_DATA", raising=False)
    assert str(resolve_path("{data}/things@1/val", layout)) == "data/things@1/val"
    monkeypatch.setenv("LIGATURE_DATA", "/shared")
    assert str(resolve_path("{data}/things@1/val", layout)) == "/shared/things@1/val"
