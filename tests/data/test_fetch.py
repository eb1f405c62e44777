import hashlib
import json
import urllib.request

import pytest
from fetch_server import CONTENT, Page, serving

from ligature.data.remote import transfer
from ligature.data.remote.fetch import fetch, sha256_of
from ligature.data.remote.resources import Source
from ligature.errors import DataError

DIGEST = hashlib.sha256(CONTENT).hexdigest()
HOME = "https://example.org/home"


@pytest.fixture(autouse=True)
def no_waiting_and_no_token(monkeypatch):
    monkeypatch.setattr(transfer, "BACKOFF", 0.0)
    monkeypatch.delenv("HF_TOKEN", raising=False)


@pytest.fixture(scope="module")
def server():
    with serving() as web:
        yield web


@pytest.fixture
def web(server):
    server.pages.clear()
    server.seen.clear()
    return server


def source(address, **changes):
    values = {"name": "pool", "version": "1", "format": "cc12m", "parts": 1, "address": address, "home": HOME}
    return Source(**{**values, **changes})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def authorizations(web):
    return [headers.get("authorization") for _, headers in web.seen]


def refusal(*args, **kwargs):
    with pytest.raises(DataError) as caught:
        fetch(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_sha256_of_a_file_is_that_of_its_bytes(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(CONTENT)
    assert sha256_of(path) == DIGEST


def test_a_part_is_fetched_and_recorded_without_a_time(web, tmp_path):
    web.add("/part-00001", Page())
    pool = source(web.root + "/part-{part}", parts=2)
    target = tmp_path / "pool" / "1.tsv"
    assert fetch(pool, 1, target) == target
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["1.tsv", "1.tsv.json"]
    assert json.loads((tmp_path / "pool" / "1.tsv.json").read_text()) == {
        "name": "pool",
        "version": "1",
        "part": 1,
        "address": web.root + "/part-00001",
        "bytes": len(CONTENT),
        "sha256": DIGEST,
        "etag": '"one"',
    }


@pytest.mark.parametrize("sha256", ["", DIGEST])
def test_a_file_that_is_there_is_not_fetched_again(web, tmp_path, sha256):
    pool = source(web.add("/f", Page()), sha256=sha256)
    fetch(pool, 0, tmp_path / "f")
    web.seen.clear()
    fetch(pool, 0, tmp_path / "f")
    assert web.seen == []


def test_a_file_damaged_on_disk_is_fetched_again(web, tmp_path):
    pool = source(web.add("/f", Page()))
    fetch(pool, 0, tmp_path / "f").write_bytes(b"damaged")
    assert fetch(pool, 0, tmp_path / "f").read_bytes() == CONTENT


def test_a_killed_fetch_leaves_no_target_and_is_finished_by_the_next(web, tmp_path):
    class Killed(Exception):
        pass

    class Killer:
        def open(self, message, timeout):
            answer = urllib.request.urlopen(message, timeout=timeout)
            blocks = iter([answer.read(1000)])
            answer.read = lambda size: next(blocks, None) or die()
            return answer

    def die():
        raise Killed

    pool = source(web.add("/f", Page()), sha256=DIGEST)
    with pytest.raises(Killed):
        fetch(pool, 0, tmp_path / "f", opener=Killer())
    assert names(tmp_path) == ["f.partial", "f.partial.json"]
    assert fetch(pool, 0, tmp_path / "f").read_bytes() == CONTENT
    assert web.seen[-1][1]["range"] == "bytes=1000-"
    assert names(tmp_path) == ["f", "f.json"]


def test_the_wrong_checksum_is_refused_with_both_and_leaves_nothing(web, tmp_path):
    pool = source(web.add("/f", Page(content=b"other")), sha256=DIGEST, table="sources.csv")
    text = refusal(pool, 0, tmp_path / "f")
    assert hashlib.sha256(b"other").hexdigest() in text
    assert f"sources.csv says {DIGEST}" in text
    assert names(tmp_path) == []


def test_the_first_content_of_an_unchecked_source_is_pinned(web, tmp_path):
    pool = source(web.add("/f", Page()))
    fetch(pool, 0, tmp_path / "f").unlink()
    web.add("/f", Page(content=b"changed", etag='"two"'))
    text = refusal(pool, 0, tmp_path / "f")
    assert DIGEST in text
    assert "f.json says" in text
    assert "row with a new version" in text
    assert names(tmp_path) == ["f.json"]


def test_a_new_version_may_have_new_content(web, tmp_path):
    address = web.add("/f", Page())
    fetch(source(address), 0, tmp_path / "f")
    web.add("/f", Page(content=b"changed", etag='"two"'))
    assert fetch(source(address, version="2"), 0, tmp_path / "f").read_bytes() == b"changed"


@pytest.mark.parametrize("text", ["[]", "{}", "nonsense", '{"sha256": "x"}'])
def test_a_damaged_record_is_named(web, tmp_path, text):
    (tmp_path / "f.json").write_text(text)
    assert "f.json" in refusal(source(web.add("/f", Page())), 0, tmp_path / "f")


@pytest.mark.parametrize("status", [404, 410])
def test_the_archive_is_asked_when_the_main_address_is_gone_and_it_is_said(web, tmp_path, capsys, status):
    main, archive = web.add("/main", Page(failures=[status])), web.add("/archive", Page())
    fetch(source(main, archive=archive), 0, tmp_path / "f")
    assert json.loads((tmp_path / "f.json").read_text())["address"] == archive
    assert f"pool@1: {main} is gone ({status}); trying the archive {archive}" in capsys.readouterr().err


def test_a_source_that_is_gone_everywhere_names_the_row_to_change(web, tmp_path):
    pool = source(web.root + "/main", archive=web.root + "/archive", table="the/sources.csv")
    text = refusal(pool, 0, tmp_path / "f")
    assert "change address or archive in row pool@1 of the/sources.csv" in text
    assert "/main is gone (404)" in text
    assert "/archive is gone (404)" in text


def test_a_server_in_trouble_is_no_reason_to_ask_the_archive(web, tmp_path):
    main, archive = web.add("/main", Page(failures=[500] * 9)), web.add("/archive", Page())
    assert "status 500" in refusal(source(main, archive=archive), 0, tmp_path / "f", retries=1)
    assert {path for path, _ in web.seen} == {"/main"}


def test_a_gated_source_says_where_to_ask_and_where_the_token_belongs(web, tmp_path):
    gated = source(web.add("/f", Page(failures=[401, 403])), gated=True)
    text = refusal(gated, 0, tmp_path / "f")
    assert f"ask for access at {HOME} and put a token into the environment variable HF_TOKEN" in text
    text = refusal(gated, 0, tmp_path / "f", token="secret")
    assert f"ask for access at {HOME} with the account that the token" in text
    assert "secret" not in text


def test_a_denied_source_that_is_not_gated_names_its_row(web, tmp_path):
    text = refusal(source(web.add("/f", Page(failures=[403]))), 0, tmp_path / "f")
    assert "or change the address in row pool@1 of sources.csv" in text


def test_the_token_of_the_environment_is_shown_to_gated_sources_alone(web, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    address = web.add("/f", Page())
    fetch(source(address, gated=True), 0, tmp_path / "a")
    fetch(source(address), 0, tmp_path / "b")
    fetch(source(address), 0, tmp_path / "c", token="explicit")
    assert authorizations(web) == ["Bearer secret", None, None]


def test_the_archive_never_sees_the_token(web, tmp_path):
    archive = web.add("/archive", Page())
    fetch(source(web.root + "/main", archive=archive, gated=True), 0, tmp_path / "f", token="secret")
    assert authorizations(web) == ["Bearer secret", None]


def test_a_file_may_be_a_tenth_larger_than_the_table_says(web, tmp_path):
    address = web.add("/f", Page(content=b"x" * 110))
    fetch(source(address, bytes=100), 0, tmp_path / "a")
    assert "more than 108 bytes" in refusal(source(address, bytes=99), 0, tmp_path / "b")
    assert "more than 50 bytes" in refusal(source(address, bytes=100), 0, tmp_path / "c", max_bytes=50)
    assert names(tmp_path) == ["a", "a.json"]


def test_an_empty_file_is_a_file(web, tmp_path):
    assert fetch(source(web.add("/f", Page(content=b""))), 0, tmp_path / "f").read_bytes() == b""


def test_a_part_that_is_not_there_is_refused_before_any_request(web, tmp_path):
    assert "has parts 0 to 0" in refusal(source(web.add("/f", Page())), 1, tmp_path / "f")
    assert web.seen == []
