"""Atomic writes: write beside, then rename, so that a killed run leaves nothing half-written."""

import errno
import glob
import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd


def beside(path: Path, kind: str = "partial") -> Path:
    """Returns the hidden name beside ``path`` under which this process writes, and removes what killed ones left.

    The name holds machine and process; only what a dead process of this machine left is removed.
    """
    node = platform.node()
    for left in path.parent.glob(f".{glob.escape(path.name)}.{glob.escape(node)}.*.{kind}"):
        process = left.name.split(".")[-2]
        if process.isdigit() and (int(process) == os.getpid() or not _is_alive(int(process))):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{node}.{os.getpid()}.{kind}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # of another user
    return True


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yields a temporary path beside ``path`` and renames it to ``path`` when the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(path)
    try:
        with naming(path, temporary):
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path, temporary: Path) -> Iterator[None]:
    """Makes what writers raise on a full or closed disk an error of the system that names the file to be written.

    Raises:
        OSError: naming ``path`` where the error named ``temporary`` or nothing.
    """
    try:
        yield
    except Exception as error:
        number, named = _system_error(error), getattr(error, "filename", None)
        if number is None or (named and not str(named).startswith(str(temporary))):
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _system_error(error: Exception) -> int | None:
    """Returns the number of the system's error behind an exception; safetensors, NumPy and PyTorch only speak of it."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    if found := re.search(r"\(os error (\d+)\)", str(error)):
        return int(found[1])
    cut_short = re.search(r"requested and \d+ written|PytorchStreamWriter|inline_container", str(error))
    return errno.ENOSPC if cut_short else None


@contextmanager
def replacing_folder(folder: Path | str) -> Iterator[Path]:
    """Yields a new folder beside ``folder``, which takes its place when the block ends well; what it held is deleted.

    Where the block or the move fails, the folder stays as it was.
    """
    folder = Path(folder)
    fresh, old = beside(folder), beside(folder, "old")
    fresh.mkdir(parents=True)
    try:
        with naming(folder, fresh):
            yield fresh
        if folder.exists():
            os.replace(folder, old)
        os.replace(fresh, folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path | str, text: str) -> None:
    """Writes ``text`` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any) -> None:
    """Writes ``value`` as indented JSON with a final newline, atomically; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path | str, table: pd.DataFrame) -> None:
    """Writes ``table`` as CSV without its index, atomically."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
