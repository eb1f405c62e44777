"""Word n-grams of captions as sorted arrays of numbers, so that counting and matching need no loop in Python."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LENGTHS = (1, 2, 3, 4)
HALF = 32  # bits of each number of a pair that is kept as one int64


@dataclass(frozen=True)
class NgramCounts:
    """How often each n-gram of one length n stands in each caption; ascending by caption, then by n-gram.

    Attributes:
        captions: [entries] row of the caption.
        ngrams: [entries] number of the n-gram.
        counts: [entries] how often it stands there, at least once.
    """

    captions: np.ndarray
    ngrams: np.ndarray
    counts: np.ndarray


class NgramIndex:
    """Numbers of all n-grams of a set of captions, n = 1 to 4, and how to find those of others among them.

    Attributes:
        counts: n-grams of the captions themselves, one entry for each n.
        sizes: number of different n-grams, for each n.
    """

    def __init__(self, captions: Sequence[Sequence[str]]) -> None:
        """Takes the words of the captions."""
        self._words: dict[str, int] = {}
        self._tables: list[np.ndarray] = []
        self.counts = self._count(captions, self._words, learn=True)
        self.sizes = [len(self._words), *(len(table) for table in self._tables)]

    def count(self, captions: Sequence[Sequence[str]]) -> list[NgramCounts]:
        """Returns the n-grams of other captions, for each n; unknown ones are numbered from ``sizes`` on."""
        return self._count(captions, dict(self._words), learn=False)

    def _count(self, captions: Sequence[Sequence[str]], known: dict[str, int], *, learn: bool) -> list[NgramCounts]:
        words = np.array([known.setdefault(word, len(known)) for caption in captions for word in caption], np.int64)
        lengths = np.array([len(caption) for caption in captions], np.int64)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))  # words from here to the caption's end
        found, ngrams = [], words.copy()  # ngrams: number of the n-gram that begins at each word
        for n in LENGTHS:
            starts = np.flatnonzero(left >= n)
            if n > 1:
                pairs = paired(ngrams[starts], words[starts + n - 1])
                ngrams[starts] = self._learn(pairs) if learn else find(pairs, self._tables[n - 2])
            entries, counts = np.unique(paired(rows[starts], ngrams[starts]), return_counts=True)
            found.append(NgramCounts(entries >> HALF, second_of(entries), counts))
        return found

    def _learn(self, pairs: np.ndarray) -> np.ndarray:
        table, numbers = np.unique(pairs, return_inverse=True)
        self._tables.append(table)
        return numbers


def paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns two numbers below 2^31 as one, ordered by the first and then by the second."""
    return (first << HALF) | second


def second_of(pairs: np.ndarray) -> np.ndarray:
    """Returns the second number of each pair."""
    return pairs & (2**HALF - 1)


def find(pairs: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Returns each pair's place in the sorted table; unknown pairs are numbered behind it in ascending order."""
    places, known = lookup(pairs, table)
    places[~known] = len(table) + np.unique(pairs[~known], return_inverse=True)[1]
    return places


def lookup(values: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns each value's place in the sorted table, and whether it stands there."""
    if len(table) == 0:
        return np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    places = np.minimum(np.searchsorted(table, values), len(table) - 1)
    return places, table[places] == values


class ReferenceNgrams:
    """N-grams of all references of an evaluated set, each with the image it belongs to.

    Attributes:
        per_image: [images] number of references, at least one.
        owners: [references] row of each reference's image, ascending.
        lengths: [references] words of each.
        index: their n-grams.
    """

    def __init__(self, references: Sequence[Sequence[Sequence[str]]]) -> None:
        """Takes the words of each image's references; no image may be without one."""
        flat = [caption for own in references for caption in own]
        self.per_image = np.array([len(own) for own in references], np.int64)
        self.owners = np.repeat(np.arange(len(references)), self.per_image)
        self.lengths = np.array([len(caption) for caption in flat], np.int64)
        self.index = NgramIndex(flat)

    def of_images(self, n: int) -> np.ndarray:
        """Returns for each entry of ``index.counts`` of that n its image and n-gram as one number."""
        counts = self.index.counts[n - 1]
        return paired(self.owners[counts.captions], counts.ngrams)


@dataclass(frozen=True)
class CandidateNgrams:
    """N-grams of one candidate an image, numbered as those of the references.

    Attributes:
        lengths: [images] words of each.
        counts: their n-grams, for each n.
    """

    lengths: np.ndarray
    counts: list[NgramCounts]

    @classmethod
    def of(cls, candidates: Sequence[Sequence[str]], references: ReferenceNgrams) -> "CandidateNgrams":
        """Takes the words of the candidates, one an image of the references."""
        lengths = np.array([len(candidate) for candidate in candidates], np.int64)
        return cls(lengths, references.index.count(candidates))

    def keys(self, n: int) -> np.ndarray:
        """Returns image and n-gram of each entry of that n as one number, ascending."""
        return paired(self.counts[n - 1].captions, self.counts[n - 1].ngrams)
