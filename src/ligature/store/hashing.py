"""Content hashes: of ids in their order, of parameters, of files."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def hash_strings(strings: Iterable[str]) -> str:
    """Returns a hash of strings in their order; lengths are hashed too, so that no two lists collide by joining."""
    digest = hashlib.sha256()
    for string in strings:
        data = string.encode("utf-8", errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def hash_values(value: Any) -> str:
    """Returns a hash of plain values (as in JSON), independent of the order of keys."""
    return hash_strings([json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)])


def hash_files(paths: Iterable[Path]) -> str:
    """Returns ``sha256:`` and the SHA-256 of the concatenated contents of files, in the given order."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return f"sha256:{digest.hexdigest()}"
