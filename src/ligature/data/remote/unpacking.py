"""Unpacking of whole archives: within limits, inside one folder, regular files alone."""

import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ligature.data.files import safe_join
from ligature.errors import DataError

ENDINGS = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".zip")
BLOCK = 1 << 20
MAX_FILES = 5_000_000
GROWTH, FLOOR = 20, 1 << 30
"""How many times the size of the archive, and how many bytes beyond, may be unpacked from it."""
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile, RuntimeError)


@dataclass
class Budget:
    """What may still be written, and what was.

    Attributes:
        bytes_left: that may still be unpacked.
        files_left: that may still be unpacked.
        bytes: unpacked so far.
        files: unpacked so far.
        skipped: links, devices and the like, which are left out.
    """

    bytes_left: int
    files_left: int = MAX_FILES
    bytes: int = 0
    files: int = 0
    skipped: int = 0

    @classmethod
    def of_archive(cls, archive: Path) -> "Budget":
        """Returns what an archive of its size may hold."""
        return cls(GROWTH * archive.stat().st_size + FLOOR)

    def spend(self, archive: Path, *, files: int = 0, count: int = 0) -> None:
        """Takes files and bytes off.

        Raises:
            DataError: there is more in the archive than is allowed.
        """
        self.files, self.bytes = self.files + files, self.bytes + count
        self.files_left, self.bytes_left = self.files_left - files, self.bytes_left - count
        if self.files_left < 0 or self.bytes_left < 0:
            raise DataError(
                f"{archive}: unpacks to more than {self.bytes - 1:,} bytes or {self.files - 1:,} files, the most that "
                "is allowed for its size; check where it came from"
            )


def unpack_archive(archive: Path, folder: Path, budget: Budget, *, nested: bool = False) -> None:
    """Unpacks a tar, also compressed, or a zip into a folder.

    Files are written anew and never executable; links, devices and the like are left out and counted.

    Args:
        archive: the file.
        folder: made where it is missing.
        budget: what may be written; it counts what was.
        nested: whether archives in the archive are unpacked too, each into a folder of its name without ending (not two
            of them where it brings one itself), and single files ending in ``.gz`` without it; they are deleted then.

    Raises:
        DataError: the archive is broken, a name leaves the folder, or it holds more than the budget.
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, file in _members(archive, budget):
            target = safe_join(folder, name, archive)
            _write(archive, file, target, budget)
            if nested:
                _unpack_nested(target, budget)
    except BROKEN as error:
        raise DataError(f"{archive}: cannot be unpacked ({_one_line(error)}); remove it and fetch it again") from error


def decompress(path: Path, target: Path, budget: Budget) -> None:
    """Writes what a single compressed file (``.gz``) holds.

    Raises:
        DataError: the file is broken, or holds more than the budget.
    """
    try:
        with gzip.open(path) as file:
            _write(path, file, target, budget)
    except BROKEN as error:
        raise DataError(f"{path}: cannot be unpacked ({_one_line(error)}); remove it and fetch it again") from error


def is_compressed(name: str) -> bool:
    """Whether a file is a single one that is compressed, by its name."""
    return name.lower().endswith(".gz") and not name.lower().endswith(ENDINGS)


def _members(archive: Path, budget: Budget) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields names and contents of the regular files of an archive, one after another."""
    found = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    for name, file in found(archive):
        if file is None:
            budget.skipped += 1
            continue
        with file:
            yield name, file


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir():
                continue
            yield entry.filename, opened.open(entry) if kind in (0, stat.S_IFREG) else None


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with tarfile.open(archive) as opened:
        for entry in opened:
            if not entry.isdir():
                yield entry.name, opened.extractfile(entry) if entry.isreg() else None
            opened.members = []  # an archive of a million files would keep them all


def _write(archive: Path, file: IO[bytes], target: Path, budget: Budget) -> None:
    budget.spend(archive, files=1)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as output:
        while block := file.read(BLOCK):
            budget.spend(archive, count=len(block))
            output.write(block)


def _unpack_nested(path: Path, budget: Budget) -> None:
    """Puts what a file holds in its place where it is an archive or compressed; one level deep."""
    ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), "")
    if ending and path.name.lower() != ending:
        folder = path.with_name(path.name[: -len(ending)])
        unpack_archive(path, folder, budget)
        _without_doubled_folder(folder)
    elif is_compressed(path.name):
        decompress(path, path.with_suffix(""), budget)
    else:
        return
    path.unlink()


def _without_doubled_folder(folder: Path) -> None:
    """Lets ``name/name`` be ``name`` where there is nothing else beside it."""
    inner = folder / folder.name
    if inner.is_dir() and [path.name for path in folder.iterdir()] == [folder.name]:
        moved = folder.with_name(f".{folder.name}.inner")
        inner.rename(moved)
        folder.rmdir()
        moved.rename(folder)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
