"""A cache of stores that several studies, users and machines share, keyed by what determines the vectors."""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ligature import __version__
from ligature.errors import StoreError
from ligature.progress import say
from ligature.store.atomic import replacing_folder
from ligature.store.cache_entry import ENTRY_NAME, Entry, Use
from ligature.store.cache_key import Wanted
from ligature.store.integrity import check_store
from ligature.store.manifest import CONTENTS, Manifest, shard_files
from ligature.store.recut import recut
from ligature.store.writer import StoreWriter

VARIABLE = "LIGATURE_CACHE"


@dataclass(frozen=True)
class EmbeddingCache:
    """A folder of stores, each under its key: ``embeddings/<first two digits>/<key>/``.

    Attributes:
        folder: of the cache.
    """

    folder: Path

    @classmethod
    def from_environment(cls) -> "EmbeddingCache | None":
        """Returns the cache that ``LIGATURE_CACHE`` names; None where it is not set."""
        name = os.environ.get(VARIABLE)
        return cls(Path(name).expanduser().absolute()) if name else None

    def place(self, key: str) -> Path:
        """Returns the folder of an entry."""
        return self.folder / "embeddings" / key[:2] / key

    def folders(self) -> Iterator[Path]:
        """Yields the folders of all entries, in the order of keys."""
        yield from sorted(path for path in self.folder.glob("embeddings/??/[0-9a-f]*") if path.is_dir())

    def leftovers(self) -> Iterator[Path]:
        """Yields what killed jobs left half-written, and what was set aside as damaged."""
        yield from sorted(path for path in self.folder.glob("embeddings/??/.*") if path.is_dir())

    def find(self, wanted: Wanted) -> Entry | None:
        """Returns the entry of a store; None where there is none, or it is damaged, which is then set aside."""
        folder = self.place(wanted.key)
        if not folder.is_dir():
            return None
        try:
            entry = Entry.read(folder)
            if not wanted.matches(entry.manifest):
                raise StoreError(f"{folder / ENTRY_NAME}: the store holds other items than its key says")
        except StoreError as error:
            self.set_aside(folder, error)
            return None
        return entry

    def bring(self, entry: Entry, wanted: Wanted, folder: Path, use: Use) -> Manifest | None:
        """Puts a verified store into a study's folder, under the study's own names, with shards of its own size.

        Files are hard links where the file system allows it; nothing here writes into a shard in place.

        Returns:
            The manifest, the same that embedding would have written; None where the entry could not be taken.
        """
        try:
            with replacing_folder(folder) as fresh:
                manifest = _fill(entry, wanted, fresh)
        except StoreError as error:
            self.set_aside(entry.folder, error)
            return None
        except OSError as error:
            say(f"warning: {entry.folder}: cannot be taken from the cache ({error}); embedding it here")
            return None
        self._note(entry, use)
        made = entry.made
        say(f"found in the cache: {entry.key}, embedded by study {made.study} ({made.user}@{made.host}, {made.time})")
        return manifest

    def _note(self, entry: Entry, use: Use) -> None:
        try:
            entry.note(use)
        except OSError as error:
            say(f"warning: {entry.folder}: the use cannot be noted ({error.strerror}); gc may take it for unused")

    def put(self, wanted: Wanted, folder: Path, use: Use) -> None:
        """Puts a study's new store into the cache; whatever goes wrong there is a line and no failure of the job."""
        manifest = Manifest.read(folder)
        if not wanted.matches(manifest):
            say(f"warning: {folder}: not put into the cache, since its items changed while they were embedded")
            return
        try:
            self._put(wanted, manifest, folder, use)
        except (OSError, StoreError) as error:
            say(f"warning: {folder}: embedded, but not put into the cache {self.folder} ({error})")

    def _put(self, wanted: Wanted, manifest: Manifest, folder: Path, use: Use) -> None:
        target = self.place(wanted.key)
        if target.is_dir():
            self._note(Entry.read(target), use)
            return
        beside = _hidden(target, "partial")
        try:
            _place_files(folder, manifest, beside)
            manifest.write(beside)
            check_store(beside, manifest)
            Entry.create(beside, wanted.values, wanted.shard_rows, use)
            os.rename(beside, target)
        except OSError:
            if not target.is_dir():  # otherwise another job that made the same store was faster
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        say(f"put into the cache: {wanted.key}")

    def set_aside(self, folder: Path, error: StoreError) -> None:
        """Takes a damaged entry out of the way, says so, and leaves it to ``ligature cache gc``."""
        say(f"damaged in the cache: {error}; set aside, and embedded anew")
        try:
            os.rename(folder, _hidden(folder, "damaged"))
        except FileNotFoundError:
            return  # another job that found the same was faster
        except OSError as problem:
            say(f"warning: {folder}: could not be set aside ({problem.strerror}); remove it")

    def remove(self, folder: Path) -> None:
        """Removes an entry or a left-over; nobody ever sees a part of it."""
        hidden = folder if folder.name.startswith(".") else _hidden(folder, "removed")
        if hidden != folder:
            os.rename(folder, hidden)
        shutil.rmtree(hidden)


def _hidden(folder: Path, kind: str) -> Path:
    return folder.with_name(f".{folder.name}.{platform.node()}.{os.getpid()}.{kind}")


def _fill(entry: Entry, wanted: Wanted, fresh: Path) -> Manifest:
    """Fills an empty folder with an entry's store in the words of the study that wants it."""
    old = entry.manifest
    encoder = {**old.encoder, **wanted.names}
    if entry.shard_rows != wanted.shard_rows:
        entry.check()
        writer = StoreWriter(
            fresh, wanted.modality, wanted.view, encoder, wanted.source, wanted.items_hash, wanted.shard_rows
        )
        return recut(entry.folder, old, writer, wanted.items, wanted.skipped)
    manifest = replace(
        old,
        encoder=encoder,
        source={**wanted.source, CONTENTS: old.source[CONTENTS]},
        items_hash=wanted.items_hash,
        skipped=old.skipped if wanted.skipped is None else wanted.skipped,
        code_version=__version__,
    )
    _place_files(entry.folder, manifest, fresh)
    try:
        check_store(fresh, manifest)
    except StoreError as error:
        raise StoreError(str(error).replace(str(fresh), str(entry.folder))) from error
    manifest.write(fresh)
    return manifest


def _place_files(source: Path, manifest: Manifest, target: Path) -> None:
    """Puts the files of all shards into another folder: hard links, or copies where those are not allowed.

    Raises:
        StoreError: when a file is missing or is no plain file.
    """
    for shard in manifest.shards:
        for path in shard_files(source, manifest.modality, manifest.view, shard.name):
            if path.is_symlink() or not path.is_file():
                raise StoreError(f"{path}: missing or not a plain file")
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, copy)
            except OSError:
                shutil.copyfile(path, copy)
