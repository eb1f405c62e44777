"""The objects that a revision consists of, by content: what dvc.lock records, what the remote and this machine hold."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ligature.cli.sharing.probe import reason
from ligature.errors import LigatureError
from ligature.progress import track

OBJECT_ID = re.compile(r"[0-9a-f]{32}(\.dir)?")
MAX_LISTING = 1 << 29
"""Bytes of a folder's listing; one file takes about a hundred."""
CHUNK = 1 << 20
CLIENTS = {"dvc", "dvc_data", "dvc_objects", "botocore", "aiobotocore", "asyncssh"}
"""Packages whose errors mean that the remote or its configuration fails, and not this code."""


@dataclass(frozen=True)
class Recorded:
    """One output as dvc.lock records it.

    Attributes:
        path: the file or folder in the workspace.
        files: path of every file by object id; the listing of a folder is an object too.
        listed: whether the folder's listing was found here or in the remote; without it only the listing is known of.
        size: bytes of all files.
    """

    path: str
    files: dict[str, str]
    listed: bool
    size: int


class Share:
    """The default remote and this machine's cache, as stores of objects."""

    def __init__(self, repo: Any) -> None:
        """Connects to the remote of an open DVC repository."""
        remote = repo.cloud.get_remote()
        self.name, self.url = remote.name, repo.config["remote"][remote.name]["url"]
        self._repo, self._there = repo, remote.odb
        self._here = repo.cache.local
        self.jobs = int(remote.config.get("jobs") or 8)

    def recorded(self) -> list[Recorded]:
        """Returns every output that dvc.lock records and that is shared."""
        outputs = [out for out in self._repo.index.outs if out.hash_info and out.use_cache and out.can_push]
        return [self._recorded(out) for out in outputs]

    def present(self, objects: Iterable[str]) -> set[str]:
        """Returns those objects that the remote has, without reading them."""
        return set(self._there.list_oids_exists(sorted(objects), jobs=self.jobs))

    def local_path(self, object_id: str) -> Path:
        """Returns where an object lies in this machine's cache, if it is there."""
        return Path(self._here.oid_to_path(object_id))

    def local_size(self, objects: Iterable[str]) -> int:
        """Returns the bytes that objects take in this machine's cache."""
        paths = [self.local_path(each) for each in objects]
        return sum(path.stat().st_size for path in paths if path.is_file())

    def is_whole_here(self, object_id: str) -> bool:
        """Whether this machine's cache holds an object, with the content that its id demands."""
        path = self.local_path(object_id)
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return _is_whole(object_id, stream)

    def broken_there(self, objects: Iterable[str]) -> set[str]:
        """Reads objects of the remote and returns those whose content is not what their id demands."""
        ordered = sorted(objects)

        def is_broken(object_id: str) -> bool:
            with self._there.fs.open(self._there.oid_to_path(object_id), "rb") as stream:
                return not _is_whole(object_id, stream)

        with ThreadPoolExecutor(self.jobs) as pool:
            answers = track(pool.map(is_broken, ordered), "verify", total=len(ordered), unit="objects")
            return {each for each, broken in zip(ordered, answers, strict=True) if broken}

    def replace(self, object_id: str) -> None:
        """Sends an object of this machine's cache to the remote in place of what lies there, if anything."""
        from dvc_objects.fs.local import localfs

        if self.present([object_id]):
            self._there.delete(object_id)
        path = os.fspath(self.local_path(object_id))
        self._there.add(path, localfs, object_id, check_exists=False, verify=False)

    def _recorded(self, out: Any) -> Recorded:
        path, object_id, size = out.def_path, _checked_id(out.hash_info.value), out.meta.size or 0
        if not object_id.endswith(".dir"):
            return Recorded(path, {object_id: path}, True, size)
        listing = self._listing(object_id)
        files = {_checked_id(entry["md5"]): f"{path}/{entry['relpath']}" for entry in listing or []}
        return Recorded(path, files | {object_id: f"{path} (its listing)"}, listing is not None, size)

    def _listing(self, object_id: str) -> list[dict[str, str]] | None:
        """Returns the files of a folder from the first whole listing: the cache's, else the remote's."""
        for store in (self._here, self._there):
            place = store.oid_to_path(object_id)
            if store.fs.isfile(place):
                with store.fs.open(place, "rb") as stream:
                    data = stream.read(MAX_LISTING + 1)
                if len(data) > MAX_LISTING:
                    raise LigatureError(f"{place}: a listing above {MAX_LISTING} bytes; split that folder")
                if hashlib.md5(data, usedforsecurity=False).hexdigest() == object_id.removesuffix(".dir"):
                    return json.loads(data)
        return None


@contextmanager
def open_share() -> Iterator[Share]:
    """Opens the default remote of the project in this folder.

    Raises:
        LigatureError: where there is none, or DVC or its client of the remote fails.
    """
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            if not repo.config["core"].get("remote"):
                raise LigatureError(".dvc/config: no remote yet; run: ligature share init URL")
            yield Share(repo)
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in CLIENTS:
            raise
        raise LigatureError(
            f"sharing failed: {reason(error)}; `ligature share init` with the remote's address says whether it works"
        ) from error


def _is_whole(object_id: str, stream: BinaryIO) -> bool:
    """Whether what a stream gives is what an object's id demands."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest() == object_id.removesuffix(".dir")


def _checked_id(text: str) -> str:
    """Returns an object's id, which becomes part of a path."""
    if not OBJECT_ID.fullmatch(text):
        raise LigatureError(f"dvc.lock: {text!r} is no object of DVC 3; record the study again: ligature record")
    return text
