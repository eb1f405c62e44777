"""Readers of Conceptual Captions: lines of a caption and an address with a tab between."""

import codecs
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd

from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError


def read_cc3m(path: Path, rows: RowSlice) -> pd.DataFrame:
    """Reads lines of CC3M: caption, tab, address. Arguments and errors are those of ``read_cc12m``."""
    fields = [(number, line.rpartition("\t")) for number, line in _lines(path, rows)]
    return _table((number, url, caption) for number, (caption, _, url) in fields)


def read_cc12m(path: Path, rows: RowSlice) -> pd.DataFrame:
    r"""Reads lines of CC12M: address, tab, caption.

    Nothing is quoted: captions may hold quotes, and further tabs. Bytes that are not UTF-8 become replacement
    characters. The row of a line is its number from 0. A line of column names has no address and is dropped later.

    Args:
        path: file of lines that end in ``\n`` or ``\r\n``.
        rows: which of the lines.

    Returns:
        ``row``, ``url``, ``caption``.

    Raises:
        DataError: naming a file that cannot be read or a line without a tab.
    """
    fields = [(number, line.partition("\t")) for number, line in _lines(path, rows)]
    return _table((number, url, caption) for number, (url, _, caption) in fields)


def _lines(path: Path, rows: RowSlice) -> Iterator[tuple[int, str]]:
    """Yields numbers from 0 and texts of the lines of a slice."""
    try:
        start, stop = rows.bounds(_count(path))
        with path.open("rb") as file:
            for number, line in enumerate(islice(file, start, stop), start):
                yield number, _text(line, number, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path of the source") from error


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _text(line: bytes, number: int, path: Path) -> str:
    if b"\t" not in line:
        raise DataError(f"{path}: line {number + 1} has no tab between caption and address; correct or remove it")
    line = line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")


def _table(rows: Iterator[tuple[int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["row", "url", "caption"])
