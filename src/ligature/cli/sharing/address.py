"""Where a team's artifacts may live, and what DVC is told about such a place."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ligature.errors import LigatureError

SUPPORTED = "an absolute folder (NFS too), s3://BUCKET/PREFIX or ssh://USER@HOST:PORT/FOLDER"
KEYS = {"endpoint": "endpointurl", "group": "shared"}
"""DVC's names of options that have another name there."""
ALLOWED = {"folder": {"group"}, "s3": {"endpoint", "region", "profile"}, "ssh": {"port", "user", "keyfile"}}
PERSONAL = {"profile", "user", "keyfile"}
"""Options that are one person's, not the team's: they never enter git."""
DEFAULTS = {"folder": {}, "s3": {"jobs": "16"}, "ssh": {"jobs": "8"}}
"""Files that are sent at once: an SSH server lets ten sessions in, and four a core may be hundreds."""


@dataclass(frozen=True)
class Place:
    """A place for artifacts.

    Attributes:
        kind: ``folder``, ``s3`` or ``ssh``.
        url: its address as DVC takes it.
        shared: what the whole team must know, by DVC's names, the address with it.
        personal: what only holds for this user on this machine, by DVC's names.
    """

    kind: str
    url: str
    shared: dict[str, str] = field(default_factory=dict)
    personal: dict[str, str] = field(default_factory=dict)


def parse_place(text: str, options: dict[str, str | None]) -> Place:
    """Returns the place that an address and the options given with it name.

    Args:
        text: what the user typed.
        options: value by name of every option, None where it was not given.

    Raises:
        LigatureError: where the address is of no supported kind, or an option does not belong to its kind.
    """
    kind, url = _parse_url(text)
    given = {name: value for name, value in options.items() if value is not None}
    for name in sorted(given.keys() - ALLOWED[kind]):
        (owner,) = (other for other, names in ALLOWED.items() if name in names)
        raise LigatureError(f"--{name}: means nothing to {text}; it belongs to addresses of the kind {owner}")
    _check_values(given)
    if "keyfile" in given:
        given["keyfile"] = str(Path(given["keyfile"]).expanduser().absolute())
    named = {KEYS.get(name, name): value for name, value in given.items() if name not in PERSONAL}
    personal = {name: value for name, value in given.items() if name in PERSONAL}
    return Place(kind, url, {"url": url} | named, personal)


def _parse_url(text: str) -> tuple[str, str]:
    """Returns kind and address in its one spelling."""
    if text.startswith("/") and text.isprintable():
        return "folder", _parse_folder(text)
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("s3", "ssh") and not parts.query and not parts.fragment
        port = parts.port
    except ValueError as error:
        raise LigatureError(f"{text}: {error}; give {SUPPORTED}") from None
    if not known or not parts.hostname or not text.isprintable() or " " in text:
        raise LigatureError(f"{text}: not supported; give {SUPPORTED}")
    if parts.password is not None:
        raise LigatureError(
            f"{parts.scheme}://{parts.hostname}: a password in the address would enter git; leave it out"
        )
    if parts.scheme == "s3" and (parts.username is not None or port is not None):
        raise LigatureError(f"{text}: s3:// takes a bucket only; a server's address goes to --endpoint")
    if parts.scheme == "ssh" and parts.path.strip("/") == "":
        raise LigatureError(f"{text}: names no folder; give ssh://USER@HOST:PORT/FOLDER")
    return parts.scheme, text.rstrip("/")


def _parse_folder(text: str) -> str:
    """Returns the folder; it must be there, since a share that is not mounted looks like a folder yet to be made."""
    folder = os.path.normpath(text)
    if not Path(folder).is_dir():
        raise LigatureError(f"{folder}: no such folder; mount it, or make it with mkdir -p, and try again")
    if Path(folder).resolve().is_relative_to(Path.cwd().resolve()):
        raise LigatureError(f"{folder}: lies in this project; give a folder outside that the team can reach")
    return folder


def _check_values(given: dict[str, str]) -> None:
    """Checks the values that a user may mistype."""
    endpoint = given.get("endpoint")
    if endpoint is not None and not (endpoint.startswith(("http://", "https://")) and urlsplit(endpoint).hostname):
        raise LigatureError(f"--endpoint {endpoint}: give an address such as https://s3.example.org")
    keyfile = given.get("keyfile")
    if keyfile is not None and not Path(keyfile).expanduser().is_file():
        raise LigatureError(f"--keyfile {keyfile}: no such file; give the private key, for example ~/.ssh/id_ed25519")
    for name, value in given.items():
        if not value.isprintable() or not value:
            raise LigatureError(f"--{name}: empty, or holds characters that cannot be printed")
