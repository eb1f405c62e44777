"""Markdown of values that others wrote: escaped, so that a caption cannot become a link, a picture or a script."""

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral

from ligature.data.remote.resources import is_web_address
from ligature.reporting.text import NOTHING, bounded

SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|~$:@.^=])")
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9/:.?=%_~+,@-]+")
LIMIT = 300


def escaped(value: object) -> str:
    """Returns ``value`` as one line of text that Markdown and HTML show as it is."""
    return SPECIAL.sub(r"\\\1", html.escape(bounded(value, LIMIT), quote=False))


def shown(value: object) -> str:
    """Returns a value for readers: numbers with separators, addresses as links, the rest escaped."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if isinstance(value, float):
        return NOTHING if math.isnan(value) else f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{escaped(name)} {shown(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    return _text(str(value))


def _text(text: str) -> str:
    if len(text) <= LIMIT and PLAIN_ADDRESS.fullmatch(text) and is_web_address(text):
        return f"<{text}>"
    return escaped(text) or "not recorded"


def items(pairs: Iterable[tuple[str, object]]) -> str:
    """Returns names and values as a list, one line a pair."""
    return "".join(f"- {escaped(name)}: {shown(value)}\n" for name, value in pairs)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], text_columns: int = 1) -> str:
    """Returns a table; the columns after the first ``text_columns`` are aligned as numbers."""
    rule = ["---" if column < text_columns else "---:" for column in range(len(header))]
    lines = [map(escaped, header), rule, *(map(shown, row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
