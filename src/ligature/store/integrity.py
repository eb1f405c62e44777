"""Whether the files of a store are those its manifest was written for; a damaged store is set aside."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ligature.errors import StoreError
from ligature.store.hashing import hash_files
from ligature.store.manifest import DAMAGED_NAME, MANIFEST_NAME, QUANTISED, Manifest, Shard, scale_path, shard_paths

_known: set[tuple] = set()
"""Files, as they stood on disk, whose contents this process has hashed and found right."""


def map_array(path: Path, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Returns a memory-mapped array; nothing is ever unpickled.

    Raises:
        StoreError: when it cannot be read or is not of this shape and type.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{path}: cannot be read ({error})") from error
    if array.shape != shape:
        raise StoreError(f"{path}: has shape {array.shape}, its manifest says {shape}")
    if array.dtype != dtype:
        raise StoreError(f"{path}: holds {array.dtype}, its manifest says {dtype}")
    return array


def map_shard(folder: Path, manifest: Manifest, shard: Shard) -> tuple[np.ndarray, ...]:
    """Returns the memory-mapped array of a shard, [n, d], and of a quantised one its scales, [n]; not yet verified.

    Raises:
        StoreError: naming an array that cannot be read or is not what the manifest says.
    """
    array = map_array(
        shard_paths(folder, manifest.modality, shard.name)[0], (shard.vectors, manifest.dims), manifest.dtype
    )
    if manifest.view != QUANTISED:
        return (array,)
    return array, map_array(scale_path(folder, manifest.modality, shard.name), (shard.vectors,), "float32")


def check_arrays(folder: Path, manifest: Manifest, shard: Shard) -> None:
    """Checks the hash of a shard's array, and of its scales, unless this process has done so; about 0.7 s/GB.

    Raises:
        StoreError: naming the file that is damaged.
    """
    arrays = map_shard(folder, manifest, shard)
    path = shard_paths(folder, manifest.modality, shard.name)[0]
    paths = [path] if len(arrays) == 1 else [path, scale_path(folder, manifest.modality, shard.name)]
    seen = (shard.sha256, *map(_on_disk, paths))
    if seen in _known:
        return
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    if digest.hexdigest() != shard.sha256:
        names = " or ".join(map(str, paths))
        raise StoreError(f"{names}: damaged, the vectors are not those that were written (SHA-256 differs)")
    _known.add(seen)


def check_metadata(folder: Path, manifest: Manifest, shard: Shard) -> None:
    """Checks the hash of a shard's metadata, unless this process has done so; stores of before have none.

    Raises:
        StoreError: naming the file that is damaged or missing.
    """
    path = shard_paths(folder, manifest.modality, shard.name)[1]
    if not path.is_file():
        raise StoreError(f"{path}: metadata cannot be read (missing file)")
    seen = (shard.metadata_sha256, _on_disk(path))
    if not shard.metadata_sha256 or seen in _known:
        return
    if metadata_sha256(path) != shard.metadata_sha256:
        raise StoreError(f"{path}: metadata damaged, it is not what was written (SHA-256 differs)")
    _known.add(seen)


def metadata_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file of metadata, as the manifest records it."""
    return hash_files([path]).removeprefix("sha256:")


def check_store(folder: Path, manifest: Manifest) -> None:
    """Checks every file of a store.

    Raises:
        StoreError: naming the first file that is damaged or missing.
    """
    for shard in manifest.shards:
        check_arrays(folder, manifest, shard)
        check_metadata(folder, manifest, shard)


@contextmanager
def setting_aside(folder: Path) -> Iterator[None]:
    """Sets the manifest aside when the block finds the store damaged, so that the workflow makes the part again.

    Raises:
        StoreError: that of the block, with what was done about it.
    """
    try:
        yield
    except StoreError as error:
        raise StoreError(f"{error}; {_set_aside(folder)}") from error


def _set_aside(folder: Path) -> str:
    """Renames the manifest and returns what the user should know."""
    try:
        os.replace(folder / MANIFEST_NAME, folder / DAMAGED_NAME)
    except FileNotFoundError:
        pass  # another job that read the same part was faster
    except OSError as error:
        return f"its {MANIFEST_NAME} could not be set aside ({error.strerror}): remove it, then embed again"
    return f"its manifest was set aside as {DAMAGED_NAME}, so the next run keeps what is whole: embed again"


def _on_disk(path: Path) -> tuple:
    """Returns what tells one state of a file from another without reading it."""
    facts = path.stat()
    return str(path), facts.st_ino, facts.st_size, facts.st_mtime_ns
