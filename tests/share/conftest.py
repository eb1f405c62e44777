"""Servers on this machine, and teams that share through them."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from share_team import BUCKET, InBucket, OnDisk, Team, free_port


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory):
    """Yields port and private key of an SSH server of this user on this machine only."""
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("ssh-keygen") is None:
        pytest.skip("sshd is not installed: apt-get install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    settings = {"Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host", "PidFile": folder / "pid"}
    settings |= {"AuthorizedKeysFile": folder / "user.pub", "StrictModes": "no", "UsePAM": "no"}
    settings |= {
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()), encoding="utf-8")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "-D", "-e", "-f", folder / "config"], stdout=log, stderr=log)
    for _ in range(100):
        if server.poll() is not None:
            pytest.skip(f"sshd may not run here: {(folder / 'log').read_text().strip()[-200:]}")
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port, folder / "user"
    server.terminate()
    server.wait(timeout=10)


@pytest.fixture(scope="session")
def s3_server():
    """Yields the address of an S3-compatible server with one bucket, which keeps its objects in this process."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    from moto.backends import get_backend

    get_backend("s3")["123456789012"]["aws"].create_bucket(BUCKET, "us-east-1")
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def make_place(request, tmp_path):
    """Makes an empty place of a kind: its address and options as a user types them, and what lies there."""

    def make(kind: str):
        folder = tmp_path / "place"
        folder.mkdir()
        if kind == "folder":
            return OnDisk(folder, [str(folder), "--group"])
        if kind == "ssh":
            port, key = request.getfixturevalue("ssh_server")
            url = f"ssh://127.0.0.1:{port}{folder}"
            return OnDisk(folder, [url, "--user", getpass.getuser(), "--keyfile", str(key)])
        endpoint, prefix = request.getfixturevalue("s3_server"), tmp_path.name
        variables = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        return InBucket(prefix, [f"s3://{BUCKET}/{prefix}", "--endpoint", endpoint], variables)

    return make


@pytest.fixture
def make_team(tmp_path, make_place):
    return lambda kind: Team(tmp_path, make_place(kind))
