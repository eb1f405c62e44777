"""Addresses of places: what is taken, and the line that says why another is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.cli.sharing.address import ALLOWED, parse_place
from ligature.errors import LigatureError


def test_a_bucket_with_a_server_of_its_own():
    place = parse_place("s3://bucket/prefix/", {"endpoint": "https://s3.example.org", "profile": "lab", "region": None})
    assert (place.kind, place.url) == ("s3", "s3://bucket/prefix")
    assert place.shared == {"url": "s3://bucket/prefix", "endpointurl": "https://s3.example.org"}
    assert place.personal == {"profile": "lab"}


def test_a_folder_for_a_group_in_its_one_spelling(tmp_path):
    place = parse_place(f"{tmp_path}/x/..//", {"group": "group"})
    assert place.shared == {"url": str(tmp_path), "shared": "group"}
    assert place.personal == {}


def test_who_logs_in_with_which_key_is_personal(tmp_path):
    key = tmp_path / "key"
    key.touch()
    place = parse_place("ssh://lab.example.org/srv/team", {"user": "ada", "keyfile": str(key), "port": "2222"})
    assert place.shared == {"url": "ssh://lab.example.org/srv/team", "port": "2222"}
    assert place.personal == {"user": "ada", "keyfile": str(key)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("artifacts", "not supported; give an absolute folder"),
        ("gs://bucket/prefix", "not supported; give an absolute folder"),
        ("https://example.org/x", "not supported"),
        ("file:///tmp", "not supported"),
        ("s3://", "not supported"),
        ("s3://bucket/a b", "not supported"),
        ("s3://bucket/x?versionId=1", "not supported"),
        ("s3://bucket/x\n[core]", "not supported"),
        ("s3://server:9000/bucket", "goes to --endpoint"),
        ("ssh://host", "names no folder"),
        ("ssh://host:many/srv", "Port could not be cast"),
        ("/no/such/folder", "no such folder; mount it"),
    ],
)
def test_other_addresses_are_refused(text, reason):
    with pytest.raises(LigatureError, match=reason):
        parse_place(text, {})


def test_a_password_is_refused_and_not_repeated():
    with pytest.raises(LigatureError, match="would enter git") as caught:
        parse_place("ssh://ada:geheim@host/srv", {})
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "option", "reason"),
    [
        ("s3://bucket", {"keyfile": "x"}, "--keyfile: means nothing to s3://bucket; .* kind ssh"),
        ("ssh://host/srv", {"endpoint": "https://x"}, "--endpoint: means nothing .* kind s3"),
        ("s3://bucket", {"endpoint": "minio:9000"}, "give an address such as"),
        ("ssh://host/srv", {"keyfile": "/no/key"}, "--keyfile /no/key: no such file"),
        ("ssh://host/srv", {"user": "a\nb"}, "--user: empty, or holds characters"),
    ],
)
def test_options_that_do_not_fit_are_refused(text, option, reason):
    with pytest.raises(LigatureError, match=reason):
        parse_place(text, option)


def test_a_folder_in_the_project_is_refused(tmp_path, monkeypatch):
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LigatureError, match="lies in this project"):
        parse_place(str(tmp_path / "store"), {})


def test_every_option_belongs_to_one_kind():
    names = [name for kind in ALLOWED.values() for name in kind]
    assert len(names) == len(set(names)) == 7


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30), st.sampled_from(["", "s3://", "ssh://", "s3://b/", "ssh://h/"]))
def test_whatever_is_typed_is_taken_whole_or_refused(text, start):
    try:
        place = parse_place(start + text, {})
    except LigatureError:
        return
    assert place.url.isprintable()
    assert place.kind == "folder" or place.url == (start + text).rstrip("/")
