"""Captions of a user's own: one a line, with the numbers of their lines."""

from dataclasses import dataclass
from pathlib import Path

from ligature.data.files import read_lines
from ligature.data.limits import check_size
from ligature.errors import DataError

MAX_CHARACTERS = 10_000
"""Longest text that is taken; encoders cut far shorter ones, but their tokenizers would still read it all."""


@dataclass(frozen=True)
class CaptionLines:
    """Captions and where they stand.

    Attributes:
        texts: captions without surrounding space.
        lines: their line numbers from 1.
        empty: number of empty lines.
    """

    texts: list[str]
    lines: list[int]
    empty: int = 0


def read_captions(path: Path) -> CaptionLines:
    """Reads a UTF-8 file of one caption a line; empty lines are left out, and counted in the line numbers.

    Raises:
        DataError: naming the line: there is no file or no caption, or one is too long.
    """
    require_file(path)
    numbered = [(number, line.strip()) for number, line in enumerate(read_lines(check_size(path)), start=1)]
    kept = [(number, check_text(text, f"{path}: line {number}")) for number, text in numbered if text]
    if not kept:
        raise DataError(f"{path}: holds no caption; write one a line")
    lines, texts = zip(*kept, strict=True)
    return CaptionLines(list(texts), list(lines), len(numbered) - len(kept))


def check_text(text: str, where: str) -> str:
    """Returns a text without surrounding space.

    Args:
        text: to check.
        where: it stands, for messages.

    Raises:
        DataError: it is empty, longer than ``MAX_CHARACTERS``, or no UTF-8.
    """
    text = text.strip()
    if not text:
        raise DataError(f"{where}: is empty; write a text")
    if len(text) > MAX_CHARACTERS:
        raise DataError(f"{where}: {len(text):,} characters, above the {MAX_CHARACTERS:,} that are read; shorten it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{where}: is not UTF-8; write it in UTF-8") from None
    return text


def require_file(path: Path) -> None:
    """Checks that there is such a file.

    Raises:
        DataError: there is none.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; check its path")
