"""Readers of the files a page is made from: what is missing or not as expected is one line."""

import json
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.errors import DataError
from ligature.store.damage import reading

RESULT_COLUMNS = ("task", "dataset", "split", "model", "protocol", "metric", "value", "n", "seed")
"""Columns that every file of result rows has; newer ones have ``variant`` too."""


def read_published(package: str) -> pd.DataFrame:
    """Returns the published figures that a package of the reporting holds in ``published/*.csv``.

    Returns:
        One row a figure: table, row, dataset, metric, value, source, note; a direction alone has no value.
    """
    entries = sorted(files(package).joinpath("published").iterdir(), key=lambda entry: entry.name)
    tables = []
    for entry in entries:
        with entry.open(encoding="utf-8") as file:
            tables.append(pd.read_csv(file, dtype={"note": str}).fillna({"note": ""}))
    return pd.concat(tables, ignore_index=True)


def read_table(path: Path | None, columns: Sequence[str], stage: str | None = None) -> pd.DataFrame:
    """Reads a csv; one without a stage is optional and empty where it is absent.

    Raises:
        DataError: the file cannot be read, a column is missing, or a required file is missing or has no rows.
    """
    table = _read(path, _read_csv, stage)
    if table is None:
        return pd.DataFrame(columns=list(columns))
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing; run the stage that makes it again")
    if stage and table.empty:
        raise DataError(f"{path}: no rows; run the {stage} stage again")
    return table


def read_results(path: Path | None, stage: str | None = None) -> pd.DataFrame:
    """Reads a csv of result rows; one without a stage is optional and empty where it is absent.

    The column ``variant`` is empty text where a file does not have it, as files from before there were variants.

    Raises:
        DataError: as ``read_table``, or a value is not a finite number.
    """
    table = read_table(path, RESULT_COLUMNS, stage)
    for column in ("value", "n", "seed"):
        values = pd.to_numeric(table[column], errors="coerce").astype(float)
        wrong = table.index[values.isna() | values.abs().eq(float("inf"))]
        if len(wrong):
            raise DataError(
                f"{path}: column {column!r}, row {wrong[0] + 1}: not a finite number; run the stage that makes it again"
            )
    variants = table["variant"].fillna("") if "variant" in table else ""
    return table.assign(value=pd.to_numeric(table["value"]).astype(float), variant=variants)


def read_typed_table(
    path: Path | None, texts: Sequence[str], numbers: Sequence[str], later: Sequence[str] = ()
) -> pd.DataFrame:
    """Reads an optional csv, empty where it is absent; its columns are the given ones, in order.

    Args:
        path: the file.
        texts: columns of text; an empty cell is an empty text.
        numbers: columns of finite numbers; an empty cell is NaN.
        later: further columns of numbers, which a later stage adds: NaN where the file does not have them.

    Raises:
        DataError: the file cannot be read, a column is missing, or a number is none.
    """
    table = read_table(path, [*texts, *numbers]).reindex(columns=[*texts, *numbers, *later])
    for column in (*numbers, *later):
        values = pd.to_numeric(table[column], errors="coerce").astype(float)
        wrong = table[column][(values.isna() & table[column].notna()) | values.abs().eq(float("inf"))]
        if len(wrong):
            raise DataError(
                f"{path}: column {column!r}, row {wrong.index[0] + 1}: not a finite number; "
                "run the stage that makes it again"
            )
        table[column] = values
    return table.assign(**{column: table[column].fillna("").astype(str) for column in texts})


def read_record(path: Path | None, keys: Sequence[str], stage: str | None = None) -> dict[str, Any]:
    """Reads a json object that has ``keys``; one without a stage is optional and empty where it is absent.

    Raises:
        DataError: the file cannot be read or is something else, or a required file is missing.
    """
    if stage is None and not _is_there(path):
        return {}
    record = _read(path, _read_json, stage)
    if not isinstance(record, dict) or not set(keys) <= set(record):
        again = f"the {stage} stage" if stage else "the stage that makes it"
        raise DataError(f"{path}: expected an object with {', '.join(keys)}; run {again} again")
    return record


def read_objects(path: Path | None, keys: Iterable[str]) -> list[dict[str, Any]]:
    """Reads an optional json list of objects that have ``keys``; empty where it is absent.

    Raises:
        DataError: the file cannot be read or is something else.
    """
    if not _is_there(path):
        return []
    return checked_objects(path, _read(path, _read_json, None), keys)


def checked_objects(path: Path | None, objects: Any, keys: Iterable[str]) -> list[dict[str, Any]]:
    """Returns ``objects``, part of the file ``path``, if they are a list of objects that have ``keys``.

    Raises:
        DataError: they are something else.
    """
    keys = set(keys)
    if not isinstance(objects, list) or not all(isinstance(entry, dict) and keys <= set(entry) for entry in objects):
        raise DataError(f"{path}: expected a list of objects with {', '.join(sorted(keys))}")
    return objects


def _is_there(path: Path | None) -> bool:
    return path is not None and Path(path).exists()


def _read(path: Path | None, reader: Callable[[Path], Any], stage: str | None) -> Any:
    if not _is_there(path):
        if stage is None:
            return None
        raise DataError(f"{path}: missing; run the {stage} stage, which makes it")
    with reading(path):
        return reader(Path(path))


def _read_csv(path: Path) -> pd.DataFrame:
    """Reads a csv in which nothing but an empty cell is missing: a concept may be called ``null`` or ``NA``.

    A variant is text although it may be a number of words.
    """
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"variant": str})


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
