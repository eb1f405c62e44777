"""Arrays of the study in .npy files that end with their own SHA-256; what reads .npy files does not look so far."""

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
    """Reads an array of ``write_array``; one that was written without a sum comes as it is.

    Raises:
        DamagedError: the file is not what was written.
        OSError: it is missing or cannot be reached.
    """
    with reading(path), Path(path).open("rb") as file:
        array = np.load(file, allow_pickle=False)
        end = file.tell()
        digest = file.read(DIGEST_BYTES + 1)
        file.seek(0)
        if digest and digest != hashlib.sha256(file.read(end)).digest():
            raise ValueError("its SHA-256 is not the one at its end")
    return array
