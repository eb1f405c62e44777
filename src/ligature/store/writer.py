"""Writing a store shard by shard; a killed run resumes at the last complete shard, a damaged store is repaired."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ligature import __version__
from ligature.errors import StoreError
from ligature.progress import say
from ligature.store.atomic import replacing, write_json
from ligature.store.hashing import hash_strings, hash_values
from ligature.store.integrity import check_arrays, check_metadata, metadata_sha256
from ligature.store.manifest import CONTENTS, DAMAGED_NAME, QUANTISED, Manifest, Shard, shard_files, shard_paths
from ligature.store.quantised import quantise

RESUME_NAME = "resume.json"


@dataclass
class StoreWriter:
    """Appends shards to a store's folder and completes it with a manifest.

    Attributes:
        folder: of the store.
        modality: ``image`` or ``text``.
        view: one of ``ligature.store.manifest.VIEWS``.
        encoder: identity of the encoder, as plain values.
        source: identity of the data, as plain values.
        items_hash: hash of all image ids of the part, for joins.
        shard_rows: planned items a shard, part of what makes shards reusable.
    """

    folder: Path
    modality: str
    view: str
    encoder: dict[str, Any]
    source: dict[str, Any]
    items_hash: str
    shard_rows: int
    shards: list[Shard] = field(default_factory=list, init=False)
    skipped: list[dict[str, str]] = field(default_factory=list, init=False)
    truncated: dict[str, int] = field(default_factory=dict, init=False)
    source_rows: int = field(default=0, init=False)
    flops: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Takes over what an interrupted run of the same extraction left, or a damaged store, or empties the folder."""
        self.folder = Path(self.folder)
        self._key = hash_values([self.modality, self.view, self.encoder, self.source, self.items_hash, self.shard_rows])
        self._damaged = self._damaged_manifest()
        try:
            state = json.loads((self.folder / RESUME_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            state = {}
        if state.get("key") == self._key:
            self.shards = [Shard(**shard) for shard in state["shards"]]
            self.skipped, self.truncated = state["skipped"], state["truncated"]
            self.source_rows, self.flops = state["source_rows"], state.get("flops", 0)
        if state.get("key") == self._key or self._damaged:
            self._remove_unrecorded()
        else:
            self._clear()

    def _damaged_manifest(self) -> Manifest | None:
        """Returns the manifest that was set aside when this very store was found to be damaged."""
        try:
            old = Manifest.read(self.folder, DAMAGED_NAME)
        except (StoreError, OSError):
            return None
        source = {key: value for key, value in old.source.items() if key != CONTENTS}
        found = (old.modality, old.view, old.encoder, source, old.items_hash)
        same = found == (self.modality, self.view, self.encoder, self.source, self.items_hash)
        return old if same else None

    def _remove_unrecorded(self) -> None:
        """Removes what a killed run left behind: a manifest, temporary files, a shard that was not recorded."""
        shards = self.shards + (self._damaged.shards if self._damaged else [])
        recorded = {path for shard in shards for path in self._files(shard.name)}
        recorded |= {self.folder / name for name in (RESUME_NAME, *([DAMAGED_NAME] if self._damaged else []))}
        for path in self.folder.rglob("*"):
            if path.is_file() and path not in recorded:
                path.unlink()

    def _files(self, name: str) -> tuple[Path, ...]:
        return shard_files(self.folder, self.modality, self.view, name)

    def _clear(self) -> None:
        try:
            if self.folder.exists():
                shutil.rmtree(self.folder)
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise StoreError(
                f"{self.folder}: cannot be written ({error.strerror}); choose another --results"
            ) from error

    def append(
        self,
        vectors: np.ndarray,
        metadata: pd.DataFrame,
        *,
        source_rows: int,
        skipped: list[dict[str, str]] | None = None,
        truncated: dict[str, int] | None = None,
        flops: int = 0,
        scales: np.ndarray | None = None,
    ) -> None:
        """Writes one shard: array first, ids next, then the record that makes it count.

        Args:
            vectors: [n, d], stored as float16, or as int8 and a scale each in the view ``tokens-int8``.
            metadata: one row an item with a column ``id`` and the contents, ``sha256`` of images or ``text`` of texts;
                in all views but ``pooled`` also ``tokens``, the number of vectors.
            source_rows: rows of the source consumed by this shard, skipped ones included.
            skipped: items of these rows left out, each with ``id`` and ``reason``.
            truncated: running record of texts that were cut.
            flops: floating point operations that these rows took.
            scales: [n] of vectors that come as int8 codes already.

        Raises:
            StoreError: when a value does not fit the type it is stored in, or rows and ids disagree.
        """
        self.skipped += skipped or []
        self.truncated = truncated or self.truncated
        self.source_rows += source_rows
        self.flops += flops
        if len(metadata):
            self.shards.append(self._write_shard(vectors, metadata, scales))
        self._record()

    def _write_shard(self, vectors: np.ndarray, metadata: pd.DataFrame, scales: np.ndarray | None) -> Shard:
        expected = len(metadata) if self.view == "pooled" else int(metadata["tokens"].sum())
        if len(vectors) != expected:
            raise StoreError(f"{self.folder}: {len(vectors)} vectors for {expected} expected; a bug, please report it")
        name = f"{int(self.shards[-1].name) + 1 if self.shards else 0:05d}"
        arrays = self._as_stored(vectors, metadata) if scales is None else (vectors, scales)
        array_path, ids_path, *scales_path = self._files(name)
        digest = hashlib.sha256()
        for path, array in zip([array_path, *scales_path], arrays, strict=True):
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, array)
            digest.update(np.ascontiguousarray(array))
        with replacing(ids_path) as temporary:
            metadata.to_parquet(temporary, index=False)
        return Shard(name, len(metadata), len(vectors), digest.hexdigest(), metadata_sha256(ids_path))

    def pending(self, table: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Yields the rows of each shard that is still to be written; ``append`` must follow each."""
        whole = self._whole(table)
        if self._damaged:
            kept = sum(shard is not None for shard in whole.values())
            say(f"repairing {self.folder}: of {len(self._damaged.shards)} shards {kept} are whole and kept")
        elif 0 < self.source_rows < len(table):
            say(f"resuming {self.folder} at row {self.source_rows:,} of {len(table):,}")
        for start in range(self.source_rows, len(table), self.shard_rows):
            rows = table.iloc[start : start + self.shard_rows]
            if start in whole:
                self._keep(whole[start], rows)
            else:
                yield rows
        if self._damaged:  # totals of the same items, of which no shard knows its share
            self.flops, self.truncated = self._damaged.flops, self._damaged.truncated
            self._record()

    def remaining(self, table: pd.DataFrame) -> pd.DataFrame:
        """Returns all rows that ``pending`` will yield, as one table."""
        whole = self._whole(table)
        starts = [start for start in range(self.source_rows, len(table), self.shard_rows) if start not in whole]
        return table.iloc[[row for start in starts for row in range(len(table))[start : start + self.shard_rows]]]

    def _whole(self, table: pd.DataFrame) -> dict[int, Shard | None]:
        """Returns the shards of a damaged store that are as they were written, by the first row of each.

        Rows that were all left out have no shard.
        """
        if self._damaged is None:
            return {}
        skipped, shards = {item["id"] for item in self._damaged.skipped}, iter(self._damaged.shards)
        whole = {}
        for start in range(0, len(table), self.shard_rows):
            ids = table["id"].iloc[start : start + self.shard_rows]
            used = ids[~ids.isin(skipped)]
            shard = next(shards, None) if len(used) else None
            if start >= self.source_rows and (not len(used) or (shard and self._is_whole(shard, used))):
                whole[start] = shard
        return whole

    def _is_whole(self, shard: Shard, ids: pd.Series) -> bool:
        """Says whether the files of a shard of the damaged store are what was written, for these very items."""
        try:
            check_arrays(self.folder, self._damaged, shard)
            check_metadata(self.folder, self._damaged, shard)
            stored = pd.read_parquet(self._files(shard.name)[1], columns=["id"])["id"]
        except (StoreError, OSError, ValueError):
            return False
        return stored.to_list() == ids.to_list()

    def _keep(self, shard: Shard | None, rows: pd.DataFrame) -> None:
        """Takes a whole shard of the damaged store, and its record of items that were left out."""
        self.shards += [shard] if shard else []
        known = set(rows["id"])
        self.skipped += [item for item in self._damaged.skipped if item["id"] in known]
        self.source_rows += len(rows)
        self._record()

    def stored(self, shard: int) -> np.ndarray:
        """Returns the memory-mapped array of a shard that is already written."""
        path, _ = shard_paths(self.folder, self.modality, self.shards[shard].name)
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _as_stored(self, vectors: np.ndarray, metadata: pd.DataFrame) -> tuple[np.ndarray, ...]:
        kind = np.float32 if self.view == QUANTISED else np.float16
        with np.errstate(over="ignore"):
            array = np.asarray(vectors, dtype=kind)
        bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
        if len(bad):
            row = bad[0]
            if self.view != "pooled":
                row = int(np.searchsorted(np.cumsum(metadata["tokens"]), row, side="right"))
            raise StoreError(
                f"{self.folder}: the features of {metadata['id'].iloc[row]!r} are not finite in {np.dtype(kind).name}; "
                f"encoder {self.encoder.get('name')!r} cannot be stored as it is"
            )
        return quantise(array) if self.view == QUANTISED else (array,)

    def _record(self) -> None:
        state = {
            "key": self._key,
            "shards": [asdict(shard) for shard in self.shards],
            "skipped": self.skipped,
            "truncated": self.truncated,
            "source_rows": self.source_rows,
            "flops": self.flops,
        }
        write_json(self.folder / RESUME_NAME, state)

    def finish(self) -> Manifest:
        """Writes the manifest, removes the record of progress, and returns the manifest.

        Raises:
            StoreError: when no item is left.
        """
        if not self.shards:
            raise StoreError(f"{self.folder}: nothing could be embedded; check the data set and the skipped items")
        ids = [pd.read_parquet(shard_paths(self.folder, self.modality, shard.name)[1]) for shard in self.shards]
        table = pd.concat(ids)
        manifest = Manifest(
            modality=self.modality,
            view=self.view,
            rows=len(table),
            dims=int(self.stored(0).shape[1]),
            dtype=self.stored(0).dtype.name,
            ids_hash=hash_strings(table["id"]),
            items_hash=self.items_hash,
            source=self._source_with_contents(table),
            encoder=self.encoder,
            shards=self.shards,
            skipped=self.skipped,
            truncated=self.truncated,
            code_version=__version__,
            flops=self.flops,
        )
        if self._damaged:
            self._damaged = None
            self._remove_unrecorded()
        manifest.write(self.folder)
        (self.folder / RESUME_NAME).unlink(missing_ok=True)
        return manifest

    def _source_with_contents(self, table: pd.DataFrame) -> dict[str, Any]:
        contents = table["sha256"] if "sha256" in table else table["text"]
        return {**self.source, CONTENTS: hash_strings(contents)}
