"""Every request of the project can be pointed at a mirror, at one place; no token of another host is shown to it."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from download_stub import PARAMS, rows_of
from hub_server import go_online
from local_server import running
from tiny_mirror import COMMIT, Handler, Mirror

import ligature
from ligature.data.download import download_rows, fetching
from ligature.data.download.opener import Limits, bounded_opener
from ligature.data.remote import hub
from ligature.data.remote.fetch import fetch
from ligature.data.remote.mirror import hub_options, lies_on_mirror, mirrored, redirected, shown_token
from ligature.data.remote.resources import Source
from ligature.encoders.source import resolve_source
from ligature.errors import DataError, EncoderError, ParamsError
from ligature.export.folder import find_folder
from ligature.params.curate import DownloadParams

SOURCE = Path(ligature.__file__).parent
CONNECT = re.compile(
    r"^\s*(?:import|from)\s+(urllib\.request|http\.client|http\.server|socket|requests|httpx|httpx2|aiohttp|ftplib|"
    r"fsspec|huggingface_hub|img2dataset|datasets|timm|urllib3)\b",
    re.MULTILINE,
)
MIRRORED = {
    "data/remote/transfer.py",
    "data/remote/fetch.py",
    "data/remote/hub.py",
    "data/remote/listing.py",
    "data/download/opener.py",
    "data/download/runner.py",
    "encoders/source.py",
    "export/folder.py",
}
"""Modules that open connections; the tests below show of each that it asks the mirror."""
ANSWERING = {"data/scenes/web/server.py"}
"""Modules that answer connections on this machine."""
MODEL = {"config.json": b"{}", "model.safetensors": b"weights", "pytorch_model.bin": b"pickled"}


@pytest.fixture
def mirror(monkeypatch):
    for name in ("HF_TOKEN", "HF_ENDPOINT", "LIGATURE_MIRROR_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with running(Handler, "mirror", Mirror) as served:
        monkeypatch.setenv("LIGATURE_MIRROR", served.address)
        yield served


@pytest.fixture
def model(mirror, monkeypatch, tmp_path):
    go_online(monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in MODEL.items():
        (folder / name).write_bytes(content)
    mirror.add_model("org/model", folder)
    return "org/model"


def encoder(source, revision):
    from ligature.params.encoders import TextEncoderParams

    return TextEncoderParams(name="x", loader="transformers", source=source, revision=revision, pooling="mean")


def tokens(mirror):
    return {headers["Authorization"] for _, headers in mirror.seen if "Authorization" in headers}


def test_without_a_mirror_every_address_stays_as_it_is(monkeypatch):
    monkeypatch.delenv("LIGATURE_MIRROR", raising=False)
    assert mirrored("https://example.org/a?b=c") == "https://example.org/a?b=c"
    assert redirected("http://example.org/a") == "http://example.org/a"
    assert not lies_on_mirror("http://example.org/a")
    assert shown_token("secret") == "secret"
    assert hub_options() == {}


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://example.org/a/b.zip", "https://m.org/copy/example.org/a/b.zip"),
        ("http://Example.org:8080/a?id=1&x=/y", "https://m.org/copy/example.org:8080/a?id=1&x=/y"),
        ("https://example.org", "https://m.org/copy/example.org/"),
        ("https://me:secret@example.org/a", "https://m.org/copy/example.org/a"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_host_path_and_query_stand_behind_the_address_of_the_mirror(monkeypatch, address, asked, slash):
    monkeypatch.setenv("LIGATURE_MIRROR", f"https://m.org/copy{slash}")
    assert mirrored(address) == asked
    assert redirected(asked) == asked
    assert lies_on_mirror("https://m.org/copy/x")
    assert not lies_on_mirror("https://m.org/copycat/x")


@pytest.mark.parametrize(
    "wrong", ["ftp://m.org", "m.org", "https://", "https://a@m.org", "https://m.org?x=1", "http://m .org"]
)
def test_a_mirror_that_is_no_address_is_named(monkeypatch, wrong):
    monkeypatch.setenv("LIGATURE_MIRROR", wrong)
    with pytest.raises(ParamsError, match=r"LIGATURE_MIRROR .* must be an http or https address"):
        mirrored("https://example.org/a")


def test_a_token_is_shown_to_a_mirror_only_if_it_is_its_own_and_nobody_can_read_it(monkeypatch):
    monkeypatch.setenv("LIGATURE_MIRROR", "http://m.org")
    assert shown_token("of the hub") is None
    assert hub_options() == {"endpoint": "http://m.org/huggingface.co", "token": False}
    monkeypatch.setenv("LIGATURE_MIRROR_TOKEN", "own")
    with pytest.raises(ParamsError, match=r"LIGATURE_MIRROR_TOKEN: not shown to http://m\.org over plain http"):
        shown_token("of the hub")
    for safe in ("https://m.org", "http://127.0.0.1:81", "http://localhost", "http://[::1]:81"):
        monkeypatch.setenv("LIGATURE_MIRROR", safe)
        assert shown_token("of the hub") == "own"
        assert hub_options()["token"] == "own"


def test_an_endpoint_that_the_user_has_chosen_stays(monkeypatch):
    monkeypatch.setenv("LIGATURE_MIRROR", "https://m.org")
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org")
    assert hub_options() == {}


def test_no_other_module_opens_a_connection():
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if CONNECT.search(path.read_text(encoding="utf-8"))
    }
    assert found == MIRRORED | ANSWERING


def test_libraries_that_could_fetch_by_themselves_are_given_local_folders_alone():
    loads = re.compile(r"\b(?:Auto\w+\.from_pretrained|SentenceTransformer)\(\s*([\w.()]+)")
    given = [found for path in SOURCE.rglob("*.py") for found in loads.findall(path.read_text(encoding="utf-8"))]
    assert len(given) >= 4
    assert {name for name in given if "folder" not in name} == set()


def test_files_of_sources_come_from_the_mirror_and_their_record_names_the_public_address(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "of the hub")
    source = Source("a", "1", "file", 1, "https://example.org/a.bin?x=1", gated=True, home="https://example.org")
    mirror.add(source.address, b"content")
    path = fetch(source, 0, tmp_path / "file")
    assert path.read_bytes() == b"content"
    record = json.loads((tmp_path / "file.json").read_text())
    assert (record["address"], record["sha256"]) == (source.address, hashlib.sha256(b"content").hexdigest())
    assert [path for path, _ in mirror.seen] == ["/example.org/a.bin?x=1"]
    assert tokens(mirror) == set()
    monkeypatch.setenv("LIGATURE_MIRROR_TOKEN", "own")
    fetch(source, 0, tmp_path / "again")
    assert tokens(mirror) == {"Bearer own"}


def test_pictures_come_from_the_mirror_although_it_is_no_public_address(mirror):
    mirror.add("https://pictures.org/a.jpg?size=9", b"picture")
    opener = bounded_opener(Limits(1000, 5))
    with opener.open("https://pictures.org/a.jpg?size=9") as answer:
        assert answer.read() == b"picture"
    with pytest.raises(Exception, match="404"):
        opener.open(f"{mirror.address}/pictures.org/a.jpg?size=9")


def test_a_web_of_the_study_itself_is_not_asked_of_the_mirror(mirror):
    params = DownloadParams()
    assert "LIGATURE_MIRROR" in fetching._environment(params, None)
    assert "LIGATURE_MIRROR" not in fetching._environment(params, "http://127.0.0.1:9")


@pytest.mark.slow
def test_img2dataset_asks_the_mirror_for_every_row(mirror, tmp_path):
    pytest.importorskip("img2dataset")
    rows = rows_of("here.jpg", "nowhere.jpg")
    mirror.add_picture(rows["url"][0])
    facts = download_rows(rows, tmp_path / "part", PARAMS, threads=2)
    assert (facts["rows"], facts["success"]) == (2, 1)
    assert [path for path, _ in mirror.seen if "here" in path].count("/images0.example/here.jpg") == 1
    assert "/images1.example/nowhere.jpg" in {path for path, _ in mirror.seen}


def test_models_come_from_the_mirror_without_the_token_of_the_hub(mirror, model, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "of_the_hub")
    source = resolve_source(encoder(model, COMMIT), None)
    assert (source.identity, source.on_hub) == (COMMIT, True)
    assert sorted(path.name for path in source.folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (source.folder / "model.safetensors").read_bytes() == b"weights"
    assert all(path.startswith("/huggingface.co/") for path, _ in mirror.seen)
    assert tokens(mirror) == set()


def test_exported_pairs_come_from_the_mirror_and_a_missing_one_is_named(mirror, model):
    assert (find_folder(model) / "config.json").read_bytes() == b"{}"
    with pytest.raises(DataError, match="org/other is neither a folder"):
        find_folder("org/other")
    with pytest.raises(EncoderError, match="org/other is neither a folder"):
        resolve_source(encoder("org/other", COMMIT), None)


def test_a_push_goes_to_the_mirror_with_its_own_token_or_not_at_all(mirror, tmp_path, monkeypatch):
    go_online(monkeypatch)
    monkeypatch.setenv("HF_TOKEN", "of_the_hub")
    (tmp_path / "README.md").write_text("# A card")
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"no token; .* LIGATURE_MIRROR_TOKEN"):
        hub.push_dataset(tmp_path, "me/data")
    monkeypatch.setenv("LIGATURE_MIRROR_TOKEN", "own")
    with pytest.raises(DataError, match=f"{mirror.address}/huggingface.co did not take the data set"):
        hub.push_dataset(tmp_path, "me/data", token="of_the_hub")
    assert tokens(mirror) <= {"Bearer own"}
