"""Captions from the web: made one clean line, and what counts as the same caption."""

import re
from functools import cache
from unicodedata import category, normalize

MAX_CAPTION = 10_000
"""Characters of a caption that are looked at; the rest of a longer one is cut off first."""

_REMOVED = {code: None for code in (*range(32), *range(127, 160)) if not chr(code).isspace()}
_ASCII_FOLD = bytes(32 if category(chr(code))[0] == "P" else ord(chr(code).lower()) for code in range(128)).ljust(256)


def normalise_caption(text: str) -> str:
    """Returns a caption as one line of at most ``MAX_CAPTION`` characters in Unicode's composed form (NFC).

    White space becomes single blanks, other control characters (zero bytes among them) vanish, half characters, which
    json may hold and UTF-8 may not, become ``?``. Markup stays as it is: it is text to everything that follows.
    """
    text = text[:MAX_CAPTION]
    if not text.isprintable():
        text = text.translate(_REMOVED).encode("utf-8", "replace").decode("utf-8")
        text = " ".join(text.split())
    text = normalize("NFC", text)[:MAX_CAPTION]
    return " ".join(text.split()) if "  " in text else text.strip()


def caption_key(text: str) -> str:
    """Returns what equal captions have in common: Unicode's compatible form (NFKC) without case.

    Spaces and punctuation (of Unicode's basic plane) count as one blank between words, as nothing at the ends. Symbols
    such as ``+`` and pictographs count; so does punctuation where a caption has nothing else.
    """
    if text.isascii():
        words = text.encode("ascii").translate(_ASCII_FOLD).decode("ascii").split()
    else:
        text = normalize("NFKC", normalize("NFKC", text).casefold())
        words = _separators().sub(" ", text).split()
    return " ".join(words or text.split())


@cache
def _separators() -> re.Pattern:
    """Returns a pattern of white space and of what Unicode calls punctuation."""
    punctuation = [character for character in map(chr, range(0x10000)) if category(character)[0] == "P"]
    return re.compile(rf"[\s{re.escape(''.join(punctuation))}]+")
