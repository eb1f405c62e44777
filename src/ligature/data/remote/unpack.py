"""A public data set on disk: fetched, checked and unpacked into a folder that appears whole or not at all."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ligature.data.files import read_json, safe_join
from ligature.data.remote.fetch import fetch, sha256_of
from ligature.data.remote.listing import fetch_listed
from ligature.data.remote.places import MARKER, data_folder, resource_folder
from ligature.data.remote.resources import Source, find_files
from ligature.data.remote.unpacking import Budget, decompress, is_compressed, unpack_archive
from ligature.errors import DataError
from ligature.progress import say
from ligature.store.atomic import write_json

INCOMING = ".incoming"
"""Folder beside the data sets for what is fetched and not yet unpacked."""
ROOM = 1.2
"""Free bytes that are asked for before anything is fetched or unpacked, in sizes of what is fetched."""


def unpack(table: Path | str, key: str) -> Path:
    """Fetches a resource and unpacks it into ``{data}/NAME@VERSION``, unless it lies there already.

    What is fetched stays in ``{data}/.incoming`` until the data set is whole, so that a killed call is continued; what
    it had unpacked is begun anew. A second call for the same resource waits for the first.

    Args:
        table: the table of sources.
        key: ``NAME@VERSION``.

    Returns:
        The folder, with ``unpacked.json`` in it: addresses, bytes and checksums of what was fetched, and the number of
        files and bytes that were unpacked.

    Raises:
        DataError: one line that names the remedy: the table has no such row, a file is not to be had or is another
            one, an archive is broken or hostile, what lies there is of another row, or there is no room.
        OSError: the folder cannot be written.
    """
    sources, folder = find_files(table, key), resource_folder(key)
    incoming = data_folder() / INCOMING / key
    incoming.mkdir(parents=True, exist_ok=True)
    with _alone(incoming.with_name(f"{key}.lock")):
        if _is_there(folder, sources):
            return folder
        wanted = sum((source.bytes or 0) * source.parts for source in sources)
        _check_room(incoming, int(ROOM * (2 * wanted - _size_of(incoming))), key)
        files = [pair for source in sources for pair in _fetched(source, incoming)]
        fresh = incoming / "unpacked"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        facts = _place(key, files, fresh)
        write_json(fresh / MARKER, facts)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)
        shutil.rmtree(incoming)
    say(f"{key}: {facts['files']:,} files, {facts['bytes']:,} bytes in {folder}")
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{lock}: another process unpacks this; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_there(folder: Path, sources: list[Source]) -> bool:
    """Whether the data set is whole, and is what the table speaks of."""
    marker = folder / MARKER
    if not marker.is_file():
        return False
    try:
        there = {source["address"]: source["sha256"] for source in read_json(marker)["sources"]}
    except (KeyError, TypeError) as error:
        raise DataError(f"{marker}: is not the record of an unpacked data set; remove {folder}") from error
    for source in sources:
        for part in range(source.parts):
            address = source.addresses(part)[0]
            if address not in there or source.sha256 not in ("", there[address]):
                raise DataError(
                    f"{folder}: was not unpacked from {address} as row {source.key} of {source.table} has it; remove "
                    "the folder, or give the row a new version"
                )
    return True


def _fetched(source: Source, incoming: Path) -> Iterator[tuple[Source, int, Path]]:
    """Yields the files of one row, part by part; images that a listing names are fetched too."""
    for part in range(source.parts):
        path = safe_join(incoming, _own_name(source, part), Path(source.table))
        yield source, part, fetch(source, part, path)
        if source.format == "listing":
            fetch_listed(path, _images_of(path))


def _own_name(source: Source, part: int) -> str:
    """Returns the name under which a file waits: that of its place, so that no two are the same."""
    return f"{source.path.replace('/', '_')}.{_last_piece(source, part)}".lstrip(".")


def _last_piece(source: Source, part: int) -> str:
    return unquote(urlsplit(source.addresses(part)[0]).path.rstrip("/").rpartition("/")[2]) or source.name


def _images_of(listing: Path) -> Path:
    return listing.with_name(f"{listing.name}.images")


def _place(key: str, files: list[tuple[Source, int, Path]], folder: Path) -> dict[str, Any]:
    """Unpacks or copies the files of a data set into a folder; returns what the marker says."""
    total, count, facts = 0, 0, []
    for source, part, path in files:
        size = path.stat().st_size
        _check_room(folder, int(ROOM * size), key)
        budget = _unpacked(source, part, path, folder)
        if budget.skipped:
            say(f"{path}: {budget.skipped:,} links or devices are left out")
        total, count = total + budget.bytes, count + budget.files
        facts.append({"address": source.addresses(part)[0], "bytes": size, "sha256": sha256_of(path)})
    return {"resource": key, "files": count, "bytes": total, "sources": facts}


def _unpacked(source: Source, part: int, path: Path, folder: Path) -> Budget:
    budget = Budget.of_archive(path)
    name = _last_piece(source, part)
    if source.format in ("archive", "archives") or source.member:
        if is_compressed(name):
            decompress(path, folder / (source.path or Path(name).stem), budget)
        else:
            unpack_archive(path, folder / source.path, budget, nested=source.format == "archives")
        return budget
    copied = [(path, safe_join(folder, source.path or name, path))]
    if source.format == "listing":
        images = _images_of(path)
        copied += [(file, folder / "images" / file.relative_to(images)) for file in sorted(images.rglob("*"))]
    for origin, target in copied:
        if origin.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
            budget.spend(path, files=1)
            budget.bytes += origin.stat().st_size
    return budget


def _check_room(folder: Path, wanted: int, key: str) -> None:
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise DataError(
            f"{key}: needs {wanted:,} bytes in {data_folder()}, where {free:,} are free; make room, or let "
            "LIGATURE_DATA name a folder on a larger disk"
        )


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
