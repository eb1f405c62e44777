"""The texts of a small language model: each once, in an order of its own, some held out."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from ligature.errors import DataError

HELD_OUT_EVERY = 50
"""One text in so many is held out."""
MOST_CHARACTERS = 100_000
"""Characters of the longest text that is read; what follows is left out."""
MOST_TEXTS = 50_000_000
"""Texts of the largest corpus."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Different texts, ready to be trained on.

    Attributes:
        texts: to train on, in the order of their hashes.
        held_out: every 50th in that order, at least one.
        duplicates: texts that were there before, or were blank.
        hash: of all texts.
    """

    texts: list[str]
    held_out: list[str]
    duplicates: int
    hash: str


def prepare_corpus(texts: Iterable[str]) -> Corpus:
    """Returns every text once, without space around it; the order in which they come does not matter.

    Raises:
        DataError: if there are fewer than three different texts, or more than ``MOST_TEXTS``.
    """
    known, given = {}, 0
    for text in texts:
        given += 1
        if given > MOST_TEXTS:
            raise DataError(f"a language model is trained on at most {MOST_TEXTS:,} texts: leave data sets out")
        if kept := text[:MOST_CHARACTERS].strip():
            known[hashlib.sha256(kept.encode("utf-8", errors="surrogatepass")).digest()] = kept
    if len(known) < 3:
        raise DataError(f"a language model needs at least 3 different texts, not {len(known)}: add data sets")
    digests = sorted(known)
    ordered = [known[digest] for digest in digests]
    kept = [text for place, text in enumerate(ordered) if place % HELD_OUT_EVERY]
    name = f"sha256:{hashlib.sha256(b''.join(digests)).hexdigest()}"
    return Corpus(kept, ordered[::HELD_OUT_EVERY], given - len(ordered), name)
