"""One store in the cache of embeddings: what it is, who put it there, and who uses it."""

import getpass
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ligature.errors import StoreError
from ligature.store.atomic import write_json
from ligature.store.hashing import hash_files, hash_strings, hash_values
from ligature.store.integrity import check_store
from ligature.store.manifest import MANIFEST_NAME, Manifest

ENTRY_NAME = "entry.json"
USES = "used_by"
"""Folder of one small file a user, so that users at the same time lose nothing of each other."""


@dataclass(frozen=True)
class Use:
    """A study that put a store into the cache or took it from there.

    Attributes:
        study: its name.
        store: folder of its own store, absolute.
        user: who ran it.
        host: where.
        time: when, ISO 8601 in UTC.
    """

    study: str
    store: str
    user: str
    host: str
    time: str

    def __post_init__(self) -> None:
        """Refuses what was not written by this class, whoever else may write into a shared folder."""
        if not all(isinstance(value, str) for value in vars(self).values()):
            raise ValueError("a use consists of texts")
        datetime.fromisoformat(self.time)

    @classmethod
    def by(cls, study: str, store: Path) -> "Use":
        """Returns the use by a study of the user of this process, now."""
        return cls(study, str(store.resolve()), user_name(), platform.node(), _iso(datetime.now(UTC)))

    @property
    def exists(self) -> bool:
        """Whether the study's store still stands, as this machine sees it."""
        return (Path(self.store) / MANIFEST_NAME).is_file()


def user_name() -> str:
    """Returns the name of the user, or the number where the machine knows no name, as in containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


@dataclass(frozen=True)
class Entry:
    """A store in the cache.

    Attributes:
        folder: of the store; its name is the key.
        values: what the key is made of.
        shard_rows: planned items a shard.
        nbytes: bytes of all files of the store.
        manifest_sha256: hash of the manifest's file.
        made: who put it there.
    """

    folder: Path
    values: dict[str, Any]
    shard_rows: int
    nbytes: int
    manifest_sha256: str
    made: Use

    @property
    def key(self) -> str:
        """Under which it is found."""
        return self.folder.name

    @classmethod
    def read(cls, folder: Path) -> "Entry":
        """Reads an entry and checks that it stands under its own key.

        Raises:
            StoreError: when it cannot be read, or stands under the key of something else.
        """
        path = folder / ENTRY_NAME
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            entry = cls(folder, **{**values, "made": Use(**values["made"])})
            own = hash_values(entry.values)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{path}: not an entry of the cache ({error})") from error
        if own != folder.name:
            raise StoreError(f"{path}: belongs to the key {own}")
        return entry

    @classmethod
    def create(cls, folder: Path, values: dict[str, Any], shard_rows: int, made: Use) -> "Entry":
        """Writes what an entry is into a folder that holds its store already."""
        nbytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        entry = cls(folder, values, shard_rows, nbytes, hash_files([folder / MANIFEST_NAME]), made)
        write_json(folder / ENTRY_NAME, {key: value for key, value in asdict(entry).items() if key != "folder"})
        entry.note(made)
        return entry

    @cached_property
    def manifest(self) -> Manifest:
        """Its manifest, in the words of the study that put it there.

        Raises:
            StoreError: when it is missing or damaged.
        """
        path = self.folder / MANIFEST_NAME
        if not path.is_file() or hash_files([path]) != self.manifest_sha256:
            raise StoreError(f"{path}: missing or damaged (SHA-256 differs)")
        return Manifest.read(self.folder)

    def check(self) -> None:
        """Checks the hashes of all files.

        Raises:
            StoreError: naming the first file that is damaged or missing.
        """
        check_store(self.folder, self.manifest)

    def note(self, use: Use) -> None:
        """Notes a use; a later one of the same store of the same study takes its place."""
        write_json(self.folder / USES / f"{hash_strings([use.store])}.json", asdict(use))

    def uses(self) -> Iterator[Use]:
        """Yields the uses that are noted; a file that is no note is left out."""
        for path in sorted((self.folder / USES).glob("[0-9a-f]*.json")):
            try:
                yield Use(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                continue

    @property
    def last_used(self) -> str:
        """When it was last put or taken, ISO 8601 in UTC."""
        return max([self.made.time, *(use.time for use in self.uses())])

    @property
    def in_use(self) -> bool:
        """Whether the store of some study that took it, or put it there, still stands."""
        return any(use.exists for use in self.uses())
