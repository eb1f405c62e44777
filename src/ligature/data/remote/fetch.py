"""Fetches the files of public sources, checks them, and pins the checksum of those that had none."""

import os
import urllib.request
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ligature.data.files import read_json
from ligature.data.remote.mirror import shown_token
from ligature.data.remote.resources import Source
from ligature.data.remote.transfer import DeniedError, GoneError, Request, discard, download
from ligature.errors import DataError
from ligature.progress import say
from ligature.store.atomic import write_json
from ligature.store.hashing import hash_files

TOKEN_VARIABLE = "HF_TOKEN"
MAX_BYTES = 20_000_000_000
"""Largest file of a source whose table row gives no size."""
SLACK = 1.1
"""How many times the size in the table a file may have."""


@dataclass(frozen=True)
class Record:
    """What was fetched; stands beside the file as ``<file>.json`` and holds no time.

    Attributes:
        name: name of the source.
        version: its version.
        part: number of the file.
        address: where it came from.
        bytes: its size.
        sha256: its checksum in hex.
        etag: what the server called its state, or nothing.
    """

    name: str
    version: str
    part: int
    address: str
    bytes: int
    sha256: str
    etag: str


def fetch(
    source: Source,
    part: int,
    target: Path | str,
    *,
    timeout: float = 30,
    max_bytes: int | None = None,
    retries: int = 3,
    token: str | None = None,
    opener: urllib.request.OpenerDirector | None = None,
) -> Path:
    """Fetches one part of a source into ``target``, unless it lies there already.

    The file grows as ``<target>.partial`` and takes its place once it is whole and its checksum is right. A killed
    call is continued by the next one. Where the table gives no checksum, the first file fetched sets it
    (``<target>.json``), and other content is refused from then on.

    Args:
        source: row of the table of sources.
        part: number of the file, from 0.
        target: where the file shall lie.
        timeout: seconds that a connection may stay silent.
        max_bytes: largest file; by default a tenth above the size in the table.
        retries: further tries of an address after a failure that may pass.
        token: shown to the main address of gated sources alone; the variable ``HF_TOKEN`` by default. A mirror is shown
            its own token instead, see ``ligature.data.remote.mirror``.
        opener: what opens addresses; urllib with http and https redirects by default.

    Returns:
        ``target``.

    Raises:
        DataError: the file is gone, gated, too large or another one than before; one line that names the remedy.
        OSError: the file cannot be written, for example because the disk is full.
    """
    target = Path(target)
    expected, where = _expected(source, part, target)
    if expected and target.is_file() and sha256_of(target) == expected:
        return target
    request = Request(
        what=source.key if source.parts == 1 else f"{source.key} part {part}",
        address="",
        limit=max_bytes or (MAX_BYTES if source.bytes is None else int(source.bytes * SLACK)),
        timeout=timeout,
        retries=retries,
        opener=opener,
    )
    partial = target.with_name(f"{target.name}.partial")
    address, etag = _first_that_answers(source, part, request, partial, token)
    record = _checked(source, part, partial, address, etag, expected, where)
    write_json(_record_path(target), asdict(record))
    os.replace(partial, target)
    discard(partial)
    return target


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file in hex."""
    return hash_files([path]).removeprefix("sha256:")


def _first_that_answers(
    source: Source, part: int, request: Request, partial: Path, token: str | None
) -> tuple[str, str]:
    """Returns the address that gave the file, and its ETag; the archive is asked when the main address is gone."""
    main, *archives = source.addresses(part)
    allowed = shown_token(token or os.environ.get(TOKEN_VARIABLE)) if source.gated else None
    gone = []
    for address, shown in [(main, allowed), *((archive, None) for archive in archives)]:
        if gone:
            say(f"{gone[-1]}; trying the archive {address}")
        try:
            return address, download(replace(request, address=address, token=shown), partial)
        except GoneError as error:
            gone.append(str(error))
        except DeniedError as error:
            raise DataError(f"{error}; {_how_to_get_access(source, shown)}") from error
    reasons = "; ".join(gone)
    raise DataError(f"{reasons}; change address or archive in row {source.key} of {source.table}, see {source.home}")


def _how_to_get_access(source: Source, token: str | None) -> str:
    ask = f"ask for access at {source.home}"
    if not source.gated:
        return f"{ask}, or change the address in row {source.key} of {source.table}"
    if token:
        return f"{ask} with the account that the token in {TOKEN_VARIABLE} belongs to"
    return f"{ask} and put a token into the environment variable {TOKEN_VARIABLE}"


def _expected(source: Source, part: int, target: Path) -> tuple[str, Path | str]:
    """Returns the checksum the file must have, or nothing, and the file that says so."""
    if source.sha256:
        return source.sha256, source.table
    path = _record_path(target)
    if not path.exists():
        return "", path
    record = _read_record(path)
    same = (record.name, record.version, record.part) == (source.name, source.version, part)
    return record.sha256 if same else "", path


def _read_record(path: Path) -> Record:
    values: Any = read_json(path)
    try:
        return Record(**values)
    except TypeError as error:
        raise DataError(f"{path}: is not the record of a fetched file; remove it") from error


def _checked(
    source: Source, part: int, partial: Path, address: str, etag: str, expected: str, where: Path | str
) -> Record:
    digest = sha256_of(partial)
    if expected and digest != expected:
        discard(partial)
        raise DataError(
            f"{source.key}: {address} has sha256 {digest}, but {where} says {expected}; if the new content is wanted, "
            f"give it a row with a new version in {source.table}"
        )
    return Record(source.name, source.version, part, address, partial.stat().st_size, digest, etag)


def _record_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")
