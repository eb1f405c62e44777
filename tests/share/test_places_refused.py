"""A place that does not work is refused when it is set up, with one line that says why."""

import getpass
import os

import pytest
from share_team import BUCKET, Clone, free_port, write_project

pytestmark = pytest.mark.slow
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def refuse(tmp_path):
    """Runs `ligature share init`, which must fail with one line and write nothing; returns the line."""

    def run(*arguments: str, variables: dict[str, str] = KEYS) -> str:
        clone = Clone(tmp_path / "project", variables)
        clone.folder.mkdir()
        write_project(clone.folder)
        before = (clone.folder / ".dvc/config").read_bytes()
        output = clone.run("ligature", "share", "init", *arguments, status=1)
        assert output.startswith("error: ")
        assert output.count("\n") == 1
        assert (clone.folder / ".dvc/config").read_bytes() == before
        assert not (clone.folder / ".dvc/config.local").exists()
        return output

    return run


def test_a_missing_bucket(refuse, s3_server):
    assert "The specified bucket does not exist; check the bucket" in refuse(
        "s3://nobody/prefix", "--endpoint", s3_server
    )


def test_missing_credentials(refuse, s3_server):
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    line = refuse(f"s3://{BUCKET}/prefix", "--endpoint", s3_server, variables=nobody)
    assert "Unable to locate credentials" in line
    assert "AWS_ACCESS_KEY_ID" in line


def test_a_server_that_does_not_answer(refuse):
    address = f"http://127.0.0.1:{free_port()}"
    assert "Could not connect to the endpoint URL" in refuse(f"s3://{BUCKET}", "--endpoint", address)


def test_a_port_where_no_ssh_server_listens(refuse):
    assert "check host, --port" in refuse(f"ssh://127.0.0.1:{free_port()}/tmp")


def test_a_key_that_the_server_does_not_know(refuse, ssh_server, tmp_path):
    port, key = ssh_server
    line = refuse(f"ssh://127.0.0.1:{port}{tmp_path}", "--keyfile", str(key.with_name("host")))
    assert "Permission denied" in line
    assert "--keyfile" in line


def test_a_folder_of_the_server_that_cannot_be_written(refuse, ssh_server):
    port, key = ssh_server
    line = refuse(f"ssh://127.0.0.1:{port}/proc/artifacts", "--user", getpass.getuser(), "--keyfile", str(key))
    assert "may write there" in line


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="there is no folder that even root cannot write to")
def test_a_folder_that_cannot_be_written(refuse):
    assert "ask who owns it" in refuse("/proc")
