"""The manifest of a store: what its rows are, in which order, and what made them."""

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ligature.errors import StoreError
from ligature.store.atomic import write_json

MANIFEST_NAME = "manifest.json"
DAMAGED_NAME = "manifest.json.damaged"
"""The manifest of a store in which a damaged file was found; the next extraction keeps the shards that are whole."""
CONTENTS = "contents_hash"
"""The key of a source under which the hash of what was embedded stands."""
SHARD_FOLDERS = {"image": "img_emb", "text": "text_emb"}
VIEWS = ("pooled", "regions", "tokens", "tokens-int8")
"""``pooled``: one vector an item; the others: several, with their number in the metadata."""
QUANTISED = "tokens-int8"
"""The view of int8 codes with a scale a vector."""


@dataclass(frozen=True)
class Shard:
    """One ``.npy`` file and the ``.parquet`` file of its ids.

    Attributes:
        name: number in the file names, for example ``00000``.
        rows: items in the parquet file.
        vectors: rows of the array; more than ``rows`` where every item has several tokens.
        sha256: hash of the array's bytes and, where it is quantised, of its scales' bytes after them.
        metadata_sha256: hash of the parquet file; empty in stores of before it was recorded.
    """

    name: str
    rows: int
    vectors: int
    sha256: str
    metadata_sha256: str = ""

    def __post_init__(self) -> None:
        """Refuses a name that would lead out of the store's folder."""
        if not re.fullmatch(r"[0-9]{1,9}", self.name):
            raise ValueError(f"shard name {self.name!r}")


@dataclass(frozen=True)
class Manifest:
    """Facts of one store; written last, so a folder with a manifest is complete.

    Attributes:
        modality: ``image`` or ``text``.
        view: one of ``VIEWS``.
        rows: number of items.
        dims: width of a vector.
        dtype: of the arrays.
        ids_hash: hash of the item ids in order.
        items_hash: hash of the ids of all images of the data set part, in order; equal in the image
            and the text store of one part, which is what a join checks.
        source: data set, split, part and a hash of the contents that were embedded.
        encoder: name, loader, source, revision, pooling and the like.
        shards: in order.
        skipped: items left out, each with ``id`` and ``reason``.
        truncated: texts longer than the encoder's limit: ``count``, ``max_tokens``, ``longest``.
        code_version: version of ligature.
        flops: floating point operations that encoding the part took; 0 where they were not counted.
    """

    modality: str
    view: str
    rows: int
    dims: int
    dtype: str
    ids_hash: str
    items_hash: str
    source: dict[str, Any]
    encoder: dict[str, Any]
    shards: list[Shard]
    skipped: list[dict[str, str]] = field(default_factory=list)
    truncated: dict[str, int] = field(default_factory=dict)
    code_version: str = ""
    flops: int = 0

    @property
    def vectors(self) -> int:
        """Number of vectors of all items."""
        return sum(shard.vectors for shard in self.shards)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, scales included, without the few of their headers and the metadata."""
        scale = np.dtype(np.float32).itemsize if self.view == QUANTISED else 0
        return self.vectors * (self.dims * np.dtype(self.dtype).itemsize + scale)

    def write(self, folder: Path) -> None:
        """Writes the manifest into a store's folder, atomically."""
        write_json(folder / MANIFEST_NAME, asdict(self))

    @classmethod
    def read(cls, folder: Path, name: str = MANIFEST_NAME) -> "Manifest":
        """Reads the manifest of a store's folder.

        Args:
            folder: of the store.
            name: of the file.

        Raises:
            StoreError: when it is missing (the store is not complete) or not readable.
        """
        path = folder / name
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**values, "shards": [Shard(**shard) for shard in values["shards"]]})
        except FileNotFoundError:
            raise StoreError(f"{path}: missing; the store is not complete, run its embed step again") from None
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{path}: not a manifest ({error}); remove the folder and embed again") from error


def shard_paths(folder: Path, modality: str, name: str) -> tuple[Path, Path]:
    """Returns the array and the id file of a shard, in the layout that embedding-reader knows."""
    kind = SHARD_FOLDERS[modality]
    return folder / kind / f"{kind}_{name}.npy", folder / "metadata" / f"metadata_{name}.parquet"


def shard_files(folder: Path, modality: str, view: str, name: str) -> tuple[Path, ...]:
    """Returns all files of a shard: array, ids and, where it is quantised, scales."""
    scales = (scale_path(folder, modality, name),) if view == QUANTISED else ()
    return *shard_paths(folder, modality, name), *scales


def scale_path(folder: Path, modality: str, name: str) -> Path:
    """Returns the file with the scales of a quantised shard, beside its array."""
    return folder / SHARD_FOLDERS[modality] / f"scale_{name}.npy"
