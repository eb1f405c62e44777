"""The table of public sources: where each version of a data set lies, under which licence, with which checksum."""

import csv
import io
import os
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from ligature.data.files import read_text
from ligature.errors import DataError

FORMATS = (
    *("laion", "cc3m", "cc12m", "sbu", "coco", "pixmo-cap", "localized-narratives"),
    *("archive", "archives", "file", "listing"),
)
POOLS = FORMATS[:7]
COLUMNS = (
    "name",
    "version",
    "format",
    "parts",
    "address",
    "archive",
    "member",
    "path",
    "sha256",
    "bytes",
    "rows",
    "licence",
    "gated",
    "home",
    "note",
)
REQUIRED = ("name", "version", "format", "parts", "address", "licence", "gated", "home")
PATTERNS = {
    "name": r"[A-Za-z0-9][A-Za-z0-9._-]*",
    "version": r"[A-Za-z0-9][A-Za-z0-9._-]*",
    "parts": r"[1-9][0-9]{0,4}",
    "bytes": r"([1-9][0-9]{0,14})?",
    "rows": r"([1-9][0-9]{0,11})?",
    "path": r"([A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)?",
    "sha256": r"([0-9a-f]{64})?",
    "gated": r"yes|no",
    "format": "|".join(FORMATS),
}
WANTED = {
    "parts": "a whole number from 1 to 99999",
    "bytes": "a positive whole number, or nothing",
    "rows": "a positive whole number, or nothing",
    "path": "names with slashes between, or nothing",
    "sha256": "64 digits of lower-case hex, or nothing",
    "gated": "yes or no",
    "format": f"one of {', '.join(FORMATS)}",
}
PART = "{part}"


@dataclass(frozen=True)
class Source:
    """One version of a public data set, or one of its files where a data set has several rows.

    Attributes:
        name: name of the data set.
        version: its version; contents of one version never change.
        format: one of ``FORMATS``: layout of the rows of a pool, or ``archive`` (a tar or zip), ``archives`` (one that
            holds others, unpacked too), ``file`` (placed as it is), ``listing`` (json in COCO's layout, whose images
            are fetched by their ``coco_url``).
        parts: number of files.
        address: where they lie; ``{part}`` stands for the five digits of the part.
        archive: second address of the same files, or nothing.
        member: where the file is a tar or zip, the one file in it that is read; or nothing.
        path: where an unpacked archive or a file is put below the folder of the data set; for nothing the folder
            itself, or the last piece of the address.
        sha256: checksum in hex of the only file, or nothing where it is not known.
        bytes: size of the largest file, or None where it is not known.
        rows: number of images, or of rows of a pool in all files, or None where it is not known.
        licence: terms of use.
        gated: whether access has to be asked for at ``home``.
        home: page that describes the data set.
        note: what else a user should know.
        table: file that this row was read from.
    """

    name: str
    version: str
    format: str
    parts: int
    address: str
    archive: str = ""
    member: str = ""
    path: str = ""
    sha256: str = ""
    bytes: int | None = None
    rows: int | None = None
    licence: str = ""
    gated: bool = False
    home: str = ""
    note: str = ""
    table: str = "sources.csv"

    @property
    def key(self) -> str:
        """What names the row: ``name@version``."""
        return f"{self.name}@{self.version}"

    def addresses(self, part: int) -> list[str]:
        """Returns where a part lies, the main address first, then the archive where there is one.

        Raises:
            DataError: there is no such part.
        """
        if not 0 <= part < self.parts:
            raise DataError(f"{self.table}: {self.key} has parts 0 to {self.parts - 1}, not {part}")
        return [address.replace(PART, f"{part:05d}") for address in (self.address, self.archive) if address]


def read_sources(path: Path | str) -> pd.DataFrame:
    """Reads and checks the table of sources.

    Returns:
        One row a file, or numbered files, of a data set version: ``COLUMNS``; ``parts`` int64, ``bytes`` and ``rows``
        Int64, ``gated`` bool, the rest text.

    Raises:
        DataError: the file cannot be read, a column is missing or unknown, or a row is wrong.
    """
    path = Path(path)
    table = _read_text_table(path)
    for row in table.to_dict("records"):
        _check(path, row)
    keys = table["name"] + "@" + table["version"]
    twice = keys.duplicated() & (table["format"].isin(POOLS) | table.duplicated(["name", "version", "address"]))
    if twice.any():
        raise DataError(f"{path}: row {keys[twice].iloc[0]} stands twice; remove one")
    table["parts"] = table["parts"].astype("int64")
    for column in ("bytes", "rows"):
        table[column] = pd.to_numeric(table[column].replace("", None)).astype("Int64")
    table["gated"] = table["gated"] == "yes"
    return table


def find_source(path: Path | str, key: str) -> Source:
    """Returns the only row ``name@version`` of the table of sources.

    Raises:
        DataError: as ``find_files`` does, or the data set has several rows.
    """
    source, *others = find_files(path, key)
    if others:
        raise DataError(f"{path}: {key} has {len(others) + 1} rows; it is unpacked as a whole, and is no pool")
    return source


def find_files(path: Path | str, key: str) -> list[Source]:
    """Returns all rows ``name@version`` of the table of sources, which are the files of one data set.

    Raises:
        DataError: as ``read_sources`` does, or the table has no such row; the error lists what there is.
    """
    sources = list(_sources(path))
    found = [source for source in sources if source.key == key]
    if not found:
        known = dict.fromkeys(source.key for source in sources)
        raise DataError(f"{path}: has no row {key!r}; there are {', '.join(known) or 'none'}")
    return found


def table_of_sources() -> Path:
    """Returns the table of sources: that of the variable ``LIGATURE_SOURCES``, or the workflow's own."""
    return Path(os.environ.get("LIGATURE_SOURCES") or "workflow/resources/sources.csv")


def _read_text_table(path: Path) -> pd.DataFrame:
    try:
        header, *rows = csv.reader(io.StringIO(read_text(path)), strict=True)
    except (csv.Error, ValueError) as error:
        raise DataError(f"{path}: cannot be read as csv ({error}); correct the file") from error
    if tuple(header) != COLUMNS:
        raise DataError(f"{path}: has the columns {', '.join(header)}; they must be {', '.join(COLUMNS)}")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(COLUMNS):
            raise DataError(f"{path}: row {number} has {len(row)} fields instead of {len(COLUMNS)}; correct it")
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=str)


def _sources(path: Path | str) -> Iterator[Source]:
    for row in read_sources(path).to_dict("records"):
        numbers = {column: None if pd.isna(row[column]) else int(row[column]) for column in ("bytes", "rows")}
        yield Source(**{**row, **numbers}, table=str(path))


def _check(path: Path, row: dict[Hashable, Any]) -> None:
    where = f"{path}: row {row['name']}@{row['version']}"
    for column in REQUIRED:
        if not row[column].strip():
            raise DataError(f"{where}: {column} is empty; fill it in")
    for column, pattern in PATTERNS.items():
        if re.fullmatch(pattern, row[column]) is None:
            wanted = WANTED.get(column, "letters, digits, dots and dashes")
            raise DataError(f"{where}: {column} {row[column]!r} must be {wanted}")
    for column in ("address", "archive", "home"):
        _check_address(where, column, row)
    if row["sha256"] and row["parts"] != "1":
        raise DataError(f"{where}: one sha256 cannot stand for {row['parts']} parts; leave it empty")


def _check_address(where: str, column: str, row: dict[Hashable, Any]) -> None:
    address = row[column]
    if not address:
        return
    if not is_web_address(address):
        raise DataError(f"{where}: {column} {address!r} is not an http or https address")
    if column != "home" and row["parts"] != "1" and PART not in address:
        raise DataError(f"{where}: {column} must contain {PART}, since there are {row['parts']} parts")


def is_web_address(address: str) -> bool:
    """Whether ``address`` is an http or https address of some host, without spaces and without a password."""
    try:
        pieces = urlsplit(address)
        host = pieces.hostname
    except ValueError:
        return False
    clean = address.isprintable() and " " not in address and "@" not in pieces.netloc
    return clean and pieces.scheme in ("http", "https") and bool(host)
