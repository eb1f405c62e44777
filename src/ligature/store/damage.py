"""Files that are not what was written: noticed where they are read, and set aside."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from safetensors import SafetensorError

from ligature.errors import DamagedError
from ligature.store.atomic import write_json
from ligature.store.hashing import hash_files, hash_values

SUFFIX = ".damaged"
SEAL = "seal"
SENSELESS = (ValueError, KeyError, TypeError, IndexError, EOFError, OverflowError, RecursionError, NotImplementedError)
"""What readers raise over bytes that make no sense."""

_known: set[tuple] = set()
"""Files, as they stood on disk, whose contents this process has hashed and found right."""


@contextmanager
def reading(path: Path | str, *, declared: Path | str | None = None) -> Iterator[None]:
    """Says that a file is damaged where the block, which does nothing but read it, can make no sense of it.

    A file that is missing or cannot be reached raises an error with a number of the system, which is left as it is.

    Args:
        path: the file.
        declared: the file to set aside; the same by default.

    Raises:
        DamagedError: naming the file.
    """
    try:
        yield
    except DamagedError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise DamagedError(path, str(error), declared=declared) from error
    except (*SENSELESS, SafetensorError, pa.ArrowException) as error:
        raise DamagedError(path, str(error) or type(error).__name__, declared=declared) from error


def read_json(path: Path | str, *, declared: Path | str | None = None) -> Any:
    """Reads a JSON file of the study's own.

    Args:
        path: the file.
        declared: the file to set aside; the same by default.

    Raises:
        DamagedError: it is not JSON.
        OSError: it is missing or cannot be reached.
    """
    with reading(path, declared=declared):
        return json.loads(Path(path).read_text(encoding="utf-8"))


def write_sealed(path: Path | str, values: dict[str, Any]) -> None:
    """Writes an object as JSON with a hash of its values under ``seal``, atomically."""
    write_json(path, {**values, SEAL: hash_values(json.loads(json.dumps(values)))})


def read_sealed(path: Path | str, *, declared: Path | str | None = None) -> dict[str, Any]:
    """Reads an object of ``write_sealed`` and checks its seal; one that was written without comes as it is.

    Args:
        path: the file.
        declared: the file to set aside; the same by default.

    Raises:
        DamagedError: it is no JSON object, or not the one that was written.
        OSError: it is missing or cannot be reached.
    """
    values = read_json(path, declared=declared)
    if not isinstance(values, dict):
        raise DamagedError(path, "it is no object", declared=declared)
    seal = values.pop(SEAL, None)
    if seal is not None and seal != hash_values(values):
        raise DamagedError(path, "its values are not those of its seal", declared=declared)
    return values


def check_sum(path: Path, expected: str, *, declared: Path | None = None) -> None:
    """Checks the contents of a file, once a process while it stays as it is; about 0.7 s/GB.

    Args:
        path: the file.
        expected: as ``hash_files`` returns it.
        declared: the file to set aside; the same by default.

    Raises:
        DamagedError: the contents are others, or the file is missing.
    """
    if not path.is_file():
        raise DamagedError(path, "it is missing", declared=declared)
    facts = path.stat()
    seen = (expected, str(path), facts.st_ino, facts.st_size, facts.st_mtime_ns)
    if seen in _known:
        return
    if hash_files([path]) != expected:
        raise DamagedError(path, "its SHA-256 is not the one of what was written", declared=declared)
    _known.add(seen)


def set_aside(path: Path) -> str:
    """Renames a damaged file, in place of an older one that was damaged, and returns what the user should know."""
    target = path.with_name(path.name + SUFFIX)
    try:
        os.replace(path, target)
    except FileNotFoundError:
        return f"{path.name} is set aside already; run again to make it anew"
    except OSError as error:
        return f"{path.name} could not be set aside ({error.strerror}); remove it and run again to make it anew"
    return f"{path.name} set aside as {target.name}; run again to make it anew"
