"""What `ligature share` writes into DVC's configuration, and what it leaves as it is."""

import io
import subprocess
from pathlib import Path

import pytest
from share_team import write_project

from ligature.cli.sharing import probe
from ligature.cli.sharing.config import merge_place, require_project, write_place
from ligature.cli.sharing.objects import _checked_id, _is_whole, open_share
from ligature.cli.sharing.verbs import init, push, verify
from ligature.errors import LigatureError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in the current folder, and beside it a place."""
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "place").mkdir()
    write_project(folder)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    return folder


def set_up(url, **options) -> None:
    names = ("endpoint", "region", "profile", "user", "port", "keyfile")
    init(str(url), **({"name": "team"} | dict.fromkeys(names) | {"group": False, "force": False} | options))


def test_a_folder_becomes_the_default_remote_and_is_verified(project, tmp_path, capsys):
    set_up(tmp_path / "place", group=True)
    text = (project / ".dvc/config").read_text()
    for line in (
        "remote = team",
        f"url = {tmp_path / 'place'}",
        "verify = true",
        "shared = group",
        "analytics = false",
    ):
        assert line in text
    assert "ligature share push" in capsys.readouterr().err
    assert list((tmp_path / "place").iterdir()) == []
    assert not (project / ".dvc/config.local").exists()


def test_the_same_again_changes_nothing(project, tmp_path, capsys):
    set_up(tmp_path / "place")
    before = (project / ".dvc/config").read_bytes()
    set_up(tmp_path / "place")
    assert (project / ".dvc/config").read_bytes() == before
    assert "nothing was changed" in capsys.readouterr().err


def test_another_place_is_taken_only_by_force(project, tmp_path):
    (tmp_path / "new").mkdir()
    set_up(tmp_path / "place", group=True)
    before = (project / ".dvc/config").read_bytes()
    for name in ("team", "second"):
        with pytest.raises(LigatureError, match=r"url of remote 'team' is .*--force replaces it"):
            set_up(tmp_path / "new", name=name)
    assert (project / ".dvc/config").read_bytes() == before
    set_up(tmp_path / "new", force=True)
    text = (project / ".dvc/config").read_text()
    assert f"url = {tmp_path / 'new'}" in text
    assert "shared" not in text


def test_what_a_user_set_by_hand_stays(project, tmp_path):
    set_up(tmp_path / "place")
    path = project / ".dvc/config"
    path.write_text(path.read_text().replace("verify = true", "verify = true\n    jobs = 3"))
    set_up(tmp_path / "place")
    assert "jobs = 3" in path.read_text()


def test_personal_options_stay_out_of_what_git_sees(project, tmp_path, monkeypatch):
    monkeypatch.setattr("ligature.cli.sharing.verbs.probe_place", lambda *_: None)
    key = tmp_path / "key"
    key.touch()
    set_up("ssh://host/srv", user="ada", keyfile=str(key), port=2222)
    shared, personal = ((project / ".dvc" / name).read_text() for name in ("config", "config.local"))
    assert "port = 2222" in shared
    assert "ada" not in shared
    assert "key" not in shared
    assert "user = ada" in personal
    assert f"keyfile = {key}" in personal
    set_up("ssh://host/srv", user="bob")
    assert (project / ".dvc/config").read_text() == shared
    assert "user = bob" in (project / ".dvc/config.local").read_text()


def test_merging_and_writing_agree(project, tmp_path):
    from ligature.cli.sharing.address import parse_place

    place = parse_place("s3://bucket/x", {"region": "eu-west-1", "profile": "lab"})
    shared, personal = merge_place(place, "team", force=False)
    assert shared == {"url": "s3://bucket/x", "region": "eu-west-1", "verify": "true", "jobs": "16"}
    assert personal == {"profile": "lab"}
    assert write_place("team", shared, personal)
    assert not write_place("team", shared, personal)
    assert merge_place(place, "team", force=False) == (shared, personal)


def test_a_missing_plugin_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(probe, "find_spec", lambda _: None)
    with pytest.raises(LigatureError, match=r"needs dvc-s3; run: pip install 'ligature\[share\]'"):
        probe.require_plugin("s3")
    probe.require_plugin("folder")


def test_a_place_that_changes_bytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dvc.fs.LocalFileSystem.get_file", lambda _, remote, local: Path(local).write_bytes(b"other"))
    with pytest.raises(LigatureError, match="gives back other bytes"):
        probe.probe_place("folder", {"url": str(tmp_path)})


def test_the_deepest_cause_gives_the_reason():
    error = RuntimeError("outer")
    error.__cause__ = PermissionError(13, "Permission denied")
    assert probe.reason(error) == "Permission denied"
    assert probe.reason(ValueError("")) == "ValueError"


def test_without_remote_record_or_project_one_line_says_what_to_do(project, tmp_path, monkeypatch):
    with pytest.raises(LigatureError, match="no remote yet; run: ligature share init URL"), open_share():
        pass
    with pytest.raises(LigatureError, match="run the study with snakemake first"):
        push(partial=False)
    set_up(tmp_path / "place")
    for verb in (lambda: push(partial=True), lambda: verify(repair=False)):
        with pytest.raises(LigatureError, match="records nothing to share"):
            verb()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LigatureError, match="go to the project's folder"):
        require_project()


def test_an_id_that_leaves_the_store_is_refused():
    assert _checked_id("0" * 32 + ".dir")
    for text in ("../../etc/passwd", "0" * 31, "0" * 32 + ".dir/..", ""):
        with pytest.raises(LigatureError, match="no object of DVC"):
            _checked_id(text)


def test_an_object_is_whole_where_its_content_has_its_id():
    assert _is_whole("900150983cd24fb0d6963f7d28e17f72", io.BytesIO(b"abc"))
    assert not _is_whole("900150983cd24fb0d6963f7d28e17f72", io.BytesIO(b"abd"))
