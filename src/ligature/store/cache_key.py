"""What a store holds, said by contents alone: the key under which the cache of embeddings knows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from ligature.store.hashing import hash_strings, hash_values
from ligature.store.manifest import CONTENTS, QUANTISED, Manifest

EXTRACTION = 1
"""Raised with every change of the code that changes vectors; what the cache held before is then no longer found."""


@dataclass(frozen=True)
class Wanted:
    """A store that a study needs, described before it is made.

    Attributes:
        modality: ``image`` or ``text``.
        view: one of ``ligature.store.manifest.VIEWS``.
        encoder: all of the encoder that determines vectors, as plain values; not its name in the study.
        names: what the study calls the encoder and its source, as the manifest records it.
        source: data set, split, part and hash of ids, as the manifest records it.
        items_hash: hash of the ids of all images of the part.
        items: one row an item as its metadata will hold it, ``id`` among the columns.
        contents: [n] hash of every image, or every text.
        skipped: texts that the reader left out; None for images, of which embedding finds out.
        shard_rows: planned items a shard.
    """

    modality: str
    view: str
    encoder: dict[str, Any]
    names: dict[str, str]
    source: dict[str, Any]
    items_hash: str
    items: pd.DataFrame
    contents: Sequence[str]
    skipped: list[dict[str, str]] | None
    shard_rows: int

    @cached_property
    def values(self) -> dict[str, Any]:
        """What the key is made of, as plain values."""
        return {
            "extraction": EXTRACTION,
            "modality": self.modality,
            "view": self.view,
            "dtype": "int8" if self.view == QUANTISED else "float16",
            "encoder": self.encoder,
            "items": hash_table(self.items),
            "contents": hash_strings(self.contents),
        }

    @cached_property
    def key(self) -> str:
        """32 hex digits: a hash of everything that determines the store, and of nothing else."""
        return hash_values(self.values)

    def matches(self, manifest: Manifest) -> bool:
        """Says whether a store holds these very items with these contents, but for images that it left out."""
        items = list(zip(self.items["id"], self.contents, strict=True))
        if self.modality == "image":
            left_out = {item["id"] for item in manifest.skipped}
            items = [(name, content.partition("!")[0]) for name, content in items if name not in left_out]
        ids, contents = (name for name, _ in items), (content for _, content in items)
        found = (manifest.modality, manifest.view, manifest.ids_hash, manifest.source.get(CONTENTS))
        return found == (self.modality, self.view, hash_strings(ids), hash_strings(contents))


def hash_table(table: pd.DataFrame) -> str:
    """Returns a hash of a table's columns: names, types and values, in order."""
    columns = (hash_strings([name, str(table[name].dtype), *map(repr, table[name].tolist())]) for name in table.columns)
    return hash_strings(columns)
