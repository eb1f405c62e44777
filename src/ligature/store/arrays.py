"""Arrays of the study in .npy files that end with their own SHA-256; other readers of .npy do not look so far."""

import hashlib
import io
from pathlib import Path

import numpy as np

from ligature.store.atomic import replacing
from ligature.store.damage import reading

DIGEST_BYTES = 32


def write_array(path: Path | str, array: np.ndarray) -> None:
    """Writes an array and the SHA-256 of its file, atomically."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    data = buffer.getvalue()
    with replacing(path) as temporary:
        temporary.write_bytes(data + hashlib.sha256(data).digest())


def read_array(path: Path | str) -> np.ndarray:
    """Reads an array of ``write_array``.

    Raises:
        DamagedError: the file is not what was written.
        OSError: it is missing or cannot be reached.
    """
    with reading(path):
        content = Path(path).read_bytes()
        data, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
        if hashlib.sha256(data).digest() != digest:
            raise ValueError("its SHA-256 is not the one at its end")
        return np.load(io.BytesIO(data), allow_pickle=False)
