"""A limit on the size of text files that are read whole."""

from pathlib import Path

from ligature.errors import DataError

MAX_TEXT_BYTES = 1 << 30
"""The largest public file of captions, Karpathy's of COCO, has 0.15 GB."""


def check_size(path: Path) -> Path:
    """Returns the path of a file that is small enough to be read whole; a missing file is left to its reader.

    Raises:
        DataError: for a file above ``MAX_TEXT_BYTES``.
    """
    size = path.stat().st_size if path.is_file() else 0
    if size > MAX_TEXT_BYTES:
        raise DataError(f"{path}: {size:,} bytes, more than the {MAX_TEXT_BYTES:,} that are read; split or shorten it")
    return path
