"""Whether a place takes artifacts and gives them back: asked with one small file, through DVC's own clients."""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from ligature.errors import LigatureError

PLUGINS = {"s3": "dvc_s3", "ssh": "dvc_ssh"}
IMPATIENT = {"s3": {"connect_timeout": 5, "read_timeout": 15}, "ssh": {"timeout": 15}, "folder": {}}
"""Seconds that the probe waits; the transfers wait longer."""
REMEDIES = {
    "folder": "ask who owns it for the right to write, or see --group",
    "s3": "check the bucket, --endpoint, --region and the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
    "~/.aws/credentials with --profile)",
    "ssh": "check host, --port, --user, --keyfile and that the user may write there (try `ssh` and `sftp` by hand)",
}


def require_plugin(kind: str) -> None:
    """Raises LigatureError where DVC's client for a kind of place is not installed."""
    module = PLUGINS.get(kind)
    if module and find_spec(module) is None:
        raise LigatureError(f"{kind}://: needs {module.replace('_', '-')}; run: pip install 'ligature[share]'")


def probe_place(kind: str, settings: dict[str, str]) -> None:
    """Writes a small file at a place, reads it back and deletes it.

    Args:
        kind: ``folder``, ``s3`` or ``ssh``.
        settings: address and options by DVC's names.

    Raises:
        LigatureError: where any of that fails; the line says why and what to check.
    """
    from dvc.fs import get_cloud_fs

    wanted = os.urandom(64)
    try:
        client, options, path = get_cloud_fs(None, **{**settings, **IMPATIENT[kind]})
        files = client(**options)
        remote = files.join(path, f".ligature-probe-{uuid4().hex}")
        with tempfile.TemporaryDirectory() as folder:
            sent, got = str(Path(folder) / "sent"), str(Path(folder) / "got")
            Path(sent).write_bytes(wanted)
            files.put_file(sent, remote)
            try:
                files.get_file(remote, got)
            finally:
                files.remove(remote)
            found = Path(got).read_bytes()
    except Exception as error:  # three clients, each with errors of its own
        raise LigatureError(f"{settings['url']}: {reason(error)}; {REMEDIES[kind]}") from error
    if found != wanted:
        raise LigatureError(f"{settings['url']}: gives back other bytes than were written; do not use it")


def reason(error: BaseException) -> str:
    """Returns the first line of what a client says; the deepest cause that says anything knows best."""
    said = ""
    cause: BaseException | None = error
    while cause is not None:
        text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        said = text.strip().splitlines()[0] if text.strip() else said
        cause = cause.__cause__
    return said or type(error).__name__
