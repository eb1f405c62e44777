"""Reading the files of a data set, with one clear line for each that cannot be read."""

import io
import json
from pathlib import Path
from typing import Any

from ligature.errors import DataError


def read_text(path: Path) -> str:
    """Reads a UTF-8 text file.

    Raises:
        DataError: when it cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path in the study's datasets") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start} ({error.reason}); save it as UTF-8") from error


def read_lines(path: Path) -> list[str]:
    """Reads the lines of a UTF-8 text file; line separators of Unicode, which captions may hold, end no line.

    Raises:
        DataError: as ``read_text`` does.
    """
    return [line.removesuffix("\n") for line in io.StringIO(read_text(path))]


def read_json(path: Path) -> Any:
    """Reads a json file.

    Raises:
        DataError: when it cannot be read or is not json.
    """
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise DataError(f"{path}: not valid json ({error}); download or write it again") from error


def safe_join(folder: Path, name: str, where: Path) -> Path:
    """Returns ``folder/name`` after checking that the name, read from the file ``where``, stays inside the folder.

    Raises:
        DataError: for an absolute name or one that climbs out with ``..``.
    """
    path = Path(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise DataError(f"{where}: file name {name!r} leaves the folder {folder}; correct it")
    return folder / path
