"""The rows that may still be among the k best of each concept: appended as they come, thinned out when full."""

import numpy as np

from ligature.curation.state import best_first

SAMPLE = 1024
SPARE = 1024


class Shortlists:
    """Scores and uids of the rows that reached the threshold of their concept.

    A list has room for 1.5 k rows, taken as needed where k is large.

    Attributes:
        thresholds: [C] float32, lower bounds of the k-th best score so far; rows below are out.
    """

    def __init__(self, concepts: int, k: int, uids: np.ndarray) -> None:
        """Makes empty lists; ``uids`` are those of the first rows, for their number and dtype."""
        self.thresholds = np.full(concepts, -np.inf, np.float32)
        self._k, self._capacity = k, k + k // 2 + SPARE
        self._counts = [0] * concepts
        size = min(self._capacity, 4 * len(uids))
        self._scores, self._uids = np.empty((concepts, size), np.float32), np.empty((concepts, size), uids.dtype)

    def widen(self, uids: np.ndarray) -> None:
        """Makes room for text as wide as ``uids``."""
        if uids.dtype.itemsize > self._uids.dtype.itemsize:
            self._uids = self._uids.astype(uids.dtype)

    def extend(self, concept: int, scores: np.ndarray, uids: np.ndarray) -> None:
        """Adds rows that reached the threshold of ``concept``: scores [n] float32 and uids [n]."""
        while len(scores) > (room := self._capacity - self._counts[concept]):
            self._append(concept, scores[:room], uids[:room])
            self._thin(concept)
            left = room + np.flatnonzero(scores[room:] >= self.thresholds[concept])
            scores, uids = scores[left], uids[left]
        self._append(concept, scores, uids)

    def best(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the ``width`` best scores and uids of every concept, best first, equal scores by rising uid.

        They take the place of the lists in memory, each behind what is still to be read, and the lists are no more.
        """
        scores, uids = self._scores.reshape(-1), self._uids.reshape(-1)
        for concept in range(len(self._counts)):
            listed = self._list(concept)
            order = best_first(*listed)[:width]
            place = slice(concept * width, (concept + 1) * width)
            scores[place], uids[place] = (values.take(order) for values in listed)
        shape = len(self._counts), width
        return tuple(values[: shape[0] * width].reshape(shape) for values in (scores, uids))

    def _list(self, concept: int) -> tuple[np.ndarray, np.ndarray]:
        count = self._counts[concept]
        return self._scores[concept, :count], self._uids[concept, :count]

    def _append(self, concept: int, scores: np.ndarray, uids: np.ndarray) -> None:
        count = self._counts[concept]
        size = count + len(scores)
        if size > self._scores.shape[1]:
            length = min(self._capacity, 2 * size)
            self._scores, self._uids = _wider(self._scores, length), _wider(self._uids, length)
        self._scores[concept, count:size] = scores
        self._uids[concept, count:size] = uids
        self._counts[concept] = size

    def _thin(self, concept: int) -> None:
        """Drops rows that cannot be among the k best, down to a few per cent above k where scores differ.

        The new threshold is a quantile of a sample, low enough to leave k rows all but surely. Where it leaves fewer,
        or too many because scores are equal, the k best are picked exactly.
        """
        scores, uids = self._list(concept)
        threshold = _low_quantile(scores[:: max(1, len(scores) // SAMPLE)], self._k / len(scores))
        kept = (scores >= threshold).nonzero()[0]
        if not self._k <= len(kept) <= (self._k + self._capacity) // 2:
            kept = best_first(scores, uids)[: self._k]
            threshold = scores[kept[-1]]
        self.thresholds[concept] = threshold
        self._counts[concept] = len(kept)
        scores[: len(kept)], uids[: len(kept)] = scores.take(kept), uids.take(kept)


def _wider(table: np.ndarray, length: int) -> np.ndarray:
    """Returns ``table`` [C, n] with room for ``length`` in each row."""
    wider = np.empty((len(table), length), table.dtype)
    wider[:, : table.shape[1]] = table
    return wider


def _low_quantile(sample: np.ndarray, share: float) -> np.float32:
    """Returns a score that the best ``share`` of the sampled rows reach, three standard errors on the low side."""
    size = len(sample)
    rank = size * share + 3 * (size * share * (1 - share)) ** 0.5 + 1
    place = max(0, size - 1 - int(rank))
    return np.partition(sample, place)[place]
