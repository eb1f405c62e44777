"""Taking one file out of a tar or zip, within limits and nowhere else than asked."""

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ligature.errors import DataError
from ligature.store.atomic import replacing

MAX_BYTES = 16 << 30
"""Largest file that is taken out."""


def extract_member(archive: Path, member: str, target: Path, *, limit: int = MAX_BYTES) -> Path:
    """Writes one file of an archive to ``target``; names inside the archive are compared, never used as paths.

    Args:
        archive: a tar, also compressed, or a zip.
        member: name of the file inside.
        target: where it shall lie.
        limit: largest number of bytes, unpacked.

    Raises:
        DataError: the archive cannot be read, has no such file, or holds a larger one.
    """
    try:
        with _opened(archive, member) as (file, size), replacing(target) as temporary, temporary.open("wb") as output:
            if size > limit:
                raise DataError(
                    f"{archive}: {member!r} has {size:,} bytes unpacked, more than {limit:,}; not taken out"
                )
            shutil.copyfileobj(_Bounded(file, size), output, 1 << 20)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise DataError(f"{archive}: not a tar or zip that can be read ({error}); fetch it again") from error
    return target


class _Bounded:
    """A file that ends after so many bytes, whatever a broken archive would go on to yield."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.left = file, size

    def read(self, count: int) -> bytes:
        data = self.file.read(min(count, self.left))
        self.left -= len(data)
        return data


@contextmanager
def _opened(archive: Path, member: str) -> Iterator[tuple[IO[bytes], int]]:
    missing = DataError(f"{archive}: has no file {member!r}; correct its row in the table of sources")
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            if member not in opened.namelist():
                raise missing
            with opened.open(member) as file:
                yield file, opened.getinfo(member).file_size
        return
    with tarfile.open(archive) as opened:
        entry = next((entry for entry in opened if entry.name.removeprefix("./") == member), None)
        file = opened.extractfile(entry) if entry is not None and entry.isfile() else None
        if file is None:
            raise missing
        with file:
            yield file, entry.size
