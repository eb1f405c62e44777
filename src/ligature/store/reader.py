"""Reading stores: memory-mapped shards, verified when first read; parts read as one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ligature.errors import StoreError
from ligature.store.hashing import hash_strings
from ligature.store.integrity import check_arrays, check_metadata, map_shard, setting_aside
from ligature.store.manifest import MANIFEST_NAME, QUANTISED, Manifest, Shard, shard_paths
from ligature.store.quantised import dequantise
from ligature.store.rows import Rows


@dataclass(frozen=True)
class EmbeddingStore:
    """One or several parts of one data set, embedded by one encoder, read in order.

    Attributes:
        folders: of the parts.
        manifests: of the parts, in the same order.
    """

    folders: tuple[Path, ...]
    manifests: tuple[Manifest, ...]

    @classmethod
    def open(cls, folders: Path | Sequence[Path]) -> "EmbeddingStore":
        """Opens the parts of a store; only manifests are read.

        Raises:
            StoreError: when a part is incomplete, or the parts were not made by one encoder in one way.
        """
        paths = (Path(folders),) if isinstance(folders, str | Path) else tuple(map(Path, folders))
        manifests = tuple(_read_manifest(path) for path in paths)
        first = manifests[0]
        for path, manifest in zip(paths[1:], manifests[1:], strict=True):
            _require_same_encoder(path, manifest.encoder, paths[0], first.encoder)
            same = (first.modality, first.view, first.dims)
            if (manifest.modality, manifest.view, manifest.dims) != same:
                raise StoreError(f"{path} and {paths[0]} hold different kinds of vectors; embed both again")
        return cls(paths, manifests)

    @property
    def rows(self) -> int:
        """Number of items."""
        return sum(manifest.rows for manifest in self.manifests)

    @property
    def dims(self) -> int:
        """Width of a vector."""
        return self.manifests[0].dims

    @property
    def view(self) -> str:
        """One of ``ligature.store.manifest.VIEWS``."""
        return self.manifests[0].view

    @property
    def encoder(self) -> dict:
        """Identity of the encoder."""
        return self.manifests[0].encoder

    @property
    def items_hash(self) -> str:
        """Hash over the parts of the ids of all images of the data set."""
        return hash_strings(manifest.items_hash for manifest in self.manifests)

    @property
    def skipped_ids(self) -> set[str]:
        """Ids of the items that were left out."""
        return {item["id"] for manifest in self.manifests for item in manifest.skipped}

    def arrays(self) -> Iterator[np.ndarray]:
        """Yields the memory-mapped array of every shard, [n, d]: float16, or int8 codes; each is verified before.

        Raises:
            StoreError: naming an array that is damaged; the manifest of its part is then set aside.
        """
        for folder, manifest, shard in self._shards():
            _verify(folder, manifest, shard)
            yield map_shard(folder, manifest, shard)[0]

    def stored_vectors(self) -> Rows:
        """Returns all vectors as they are stored, [n, d] float16 or int8, memory-mapped whatever their number.

        A shard is verified when the first of its rows is read.

        Raises:
            StoreError: naming an array that cannot be read or is not what the manifest says.
        """
        return self._rows(0)

    def scales(self) -> Rows | None:
        """Returns the scales of int8 vectors, [n] float32, memory-mapped; None where vectors are float16.

        Raises:
            StoreError: naming an array that cannot be read or is not what the manifest says.
        """
        return self._rows(1) if self.view == QUANTISED else None

    def _rows(self, kind: int) -> Rows:
        """Returns the arrays of all shards as one: 0 the vectors, 1 their scales."""
        arrays, checks = [], []
        for folder, manifest, shard in self._shards():
            with setting_aside(folder):
                arrays.append(map_shard(folder, manifest, shard)[kind])
            checks.append(partial(_verify, folder, manifest, shard))
        return Rows(arrays, checks)

    def _shards(self) -> Iterator[tuple[Path, Manifest, Shard]]:
        for folder, manifest in zip(self.folders, self.manifests, strict=True):
            for shard in manifest.shards:
                yield folder, manifest, shard

    def vectors(self) -> np.ndarray:
        """Returns all vectors, [n, d]: float16, memory-mapped where there is one shard, else copied together.

        Vectors of eight bits come as float32.
        """
        scales = self.scales()
        if scales is not None:
            return dequantise(self.stored_vectors()[:], scales[:])
        arrays = list(self.arrays())
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def find(self, ids: Sequence[str]) -> np.ndarray:
        """Returns the vectors of chosen items of a pooled store, [n, d] float16, in the order of ``ids``.

        Shards are looked through one after the other, so that memory holds the chosen vectors only.

        Raises:
            StoreError: naming an id that is not in the store.
        """
        place = pd.Index(ids)
        found = np.zeros(len(place), dtype=bool)
        vectors = np.empty((len(place), self.dims), np.float16)
        for array, shard_ids in zip(self.arrays(), self._shard_ids(), strict=True):
            rows = place.get_indexer(shard_ids)
            vectors[rows[rows >= 0]] = array[rows >= 0]
            found[rows[rows >= 0]] = True
        if not found.all():
            missing = place[~found][0]
            raise StoreError(f"{self.folders[0].parent}: {missing!r} is not in the store; embed it again")
        return vectors

    def _shard_ids(self) -> Iterator[pd.Series]:
        for folder, manifest, shard in self._shards():
            yield _read_metadata(folder, manifest, shard, ["id"])["id"]

    def metadata(self) -> pd.DataFrame:
        """Returns one row an item, in order.

        Raises:
            StoreError: when the ids are not those the manifest was written for.
        """
        parts = zip(self.folders, self.manifests, strict=True)
        return pd.concat([_part_metadata(folder, manifest) for folder, manifest in parts], ignore_index=True)


def require_encoder(store: EmbeddingStore, identity: dict[str, Any], where: Path | str = "the projector") -> None:
    """Checks that a store was made by the encoder of this identity, down to its revision and precision.

    Args:
        store: the store.
        identity: of the encoder that is expected, as a manifest or a trained projector records it.
        where: what the identity belongs to, for the error: the folder of another store or of a projector.

    Raises:
        StoreError: naming both, their revisions and what differs.
    """
    _require_same_encoder(store.folders[0], store.encoder, where, identity)


def _require_same_encoder(
    one: Path | str, encoder: dict[str, Any], other: Path | str, expected: dict[str, Any]
) -> None:
    if encoder == expected:
        return
    keys = [key for key in sorted({*encoder, *expected}) if encoder.get(key) != expected.get(key)]
    names = [
        f"{where} ({identity.get('name')!r}, revision {identity.get('revision')})"
        for where, identity in ((one, encoder), (other, expected))
    ]
    raise StoreError(
        f"{names[0]} and {names[1]} were not made by one encoder ({', '.join(keys)} differ); "
        "embed both again and train anew what was trained on either"
    )


def _read_manifest(folder: Path) -> Manifest:
    try:
        return Manifest.read(folder)
    except StoreError as error:
        if not (folder / MANIFEST_NAME).is_file():
            raise
        with setting_aside(folder):
            raise StoreError(f"{folder / MANIFEST_NAME}: not a manifest ({error.__cause__})") from error


def _verify(folder: Path, manifest: Manifest, shard: Shard) -> None:
    """Checks the vectors of a shard when a process reads it for the first time."""
    with setting_aside(folder):
        check_arrays(folder, manifest, shard)


def _read_metadata(folder: Path, manifest: Manifest, shard: Shard, columns: list[str] | None = None) -> pd.DataFrame:
    path = shard_paths(folder, manifest.modality, shard.name)[1]
    with setting_aside(folder):
        check_metadata(folder, manifest, shard)
        try:
            return pd.read_parquet(path, columns=columns)
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: metadata cannot be read ({error})") from error


def _part_metadata(folder: Path, manifest: Manifest) -> pd.DataFrame:
    tables = [_read_metadata(folder, manifest, shard) for shard in manifest.shards]
    table = pd.concat(tables, ignore_index=True)
    if hash_strings(table["id"]) != manifest.ids_hash:
        with setting_aside(folder):
            raise StoreError(f"{folder}: the ids do not match the manifest's hash")
    return table
