"""Markdown of values that others wrote: one line, bounded, and shown as it is."""

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence

SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|~$:@^=])")
PLAIN = re.compile(r"[A-Za-z0-9_.:/@+-]+")
LIMIT = 300


def one_line(value: object) -> str:
    """Returns ``value`` as one line of printable text of at most ``LIMIT`` characters."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return " ".join(text.split())[:LIMIT]


def escaped(value: object) -> str:
    """Returns ``value`` as text that Markdown and HTML show as it is."""
    return SPECIAL.sub(r"\\\1", html.escape(one_line(value), quote=False))


def shown(value: object) -> str:
    """Returns a value for readers: numbers with separators, blocks in one line, names as code, the rest escaped."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{shown(name)} {shown(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    text = one_line(value)
    return f"`{text}`" if PLAIN.fullmatch(text) and SPECIAL.search(text) else escaped(text)


def items(values: Mapping[str, object]) -> str:
    """Returns names and values as a list, one line a pair."""
    return "".join(f"- {shown(name)}: {shown(value)}\n" for name, value in values.items()) or "Not recorded.\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table; a line instead where there are no rows."""
    lines = [[shown(cell) for cell in row] for row in rows]
    if not lines:
        return "Not recorded.\n"
    return "".join(f"| {' | '.join(line)} |\n" for line in [list(header), ["---"] * len(header), *lines])
