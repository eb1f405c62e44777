"""The rows that may still be among the k best of each concept: appended as they come, thinned out when full."""

import numpy as np

from ligature.curation.state import best_first

SAMPLE = 1024
SPARE = 1024  # room of a list beyond 1.25 k


class Shortlists:
    """Scores and uids of the rows that reached the threshold of their concept.

    A list has room for 1.25 k rows, taken as needed where k is large.

    Attributes:
        thresholds: [C] float32, lower bounds of the k-th best score so far; rows below are out.
    """

    def __init__(self, concepts: int, k: int, uids: np.ndarray) -> None:
        """Makes empty lists; ``uids`` are those of the first rows, for their number and dtype."""
        self.thresholds = np.full(concepts, -np.inf, np.float32)
        self._k, self._capacity = k, k + k // 4 + SPARE
        self._counts = [0] * concepts
        size = min(self._capacity, len(uids))
        self._scores, self._uids = np.empty((concepts, size), np.float32), np.empty((concepts, size), uids.dtype)

    def widen(self, uids: np.ndarray) -> None:
        """Makes room for text as wide as ``uids``."""
        if uids.dtype.itemsize > self._uids.dtype.itemsize:
            self._uids = self._uids.astype(uids.dtype)

    def extend(self, concept: int, scores: np.ndarray, uids: np.ndarray) -> None:
        """Adds rows to the list of ``concept``, those below its threshold left out: scores [n] float32, uids [n]."""
        reached = self._reached(concept, scores)
        scores, uids = scores.take(reached), uids.take(reached)
        if self._counts[concept] + len(scores) > self._capacity:
            self._drop_below(concept)
        if self._counts[concept] + len(scores) > self._capacity:
            scores, uids = self._k_best_with(concept, scores, uids)
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

    def _reached(self, concept: int, scores: np.ndarray) -> np.ndarray:
        """Returns where new scores reach the threshold, which is raised to a low estimate of the k-th best.

        The estimate is a quantile of a sample of list and new scores; it counts only if k of them reach it.
        """
        listed, _ = self._list(concept)
        total = len(listed) + len(scores)
        if total > self._k:
            step = max(1, total // SAMPLE)
            threshold = _low_quantile(np.concatenate([listed[::step], scores[::step]]), self._k / total)
            reached = (scores >= threshold).nonzero()[0]
            if threshold > self.thresholds[concept] and np.count_nonzero(listed >= threshold) + len(reached) >= self._k:
                self.thresholds[concept] = threshold
                return reached
        return (scores >= self.thresholds[concept]).nonzero()[0]

    def _drop_below(self, concept: int) -> None:
        """Drops the listed rows below the threshold."""
        scores, uids = self._list(concept)
        kept = (scores >= self.thresholds[concept]).nonzero()[0]
        scores[: len(kept)], uids[: len(kept)] = scores.take(kept), uids.take(kept)
        self._counts[concept] = len(kept)

    def _k_best_with(self, concept: int, scores: np.ndarray, uids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Empties the list and returns the exact k best of it and the new rows: for where many scores are equal."""
        listed_scores, listed_uids = self._list(concept)
        scores, uids = np.concatenate([listed_scores, scores]), np.concatenate([listed_uids, uids])
        order = best_first(scores, uids)[: self._k]
        self.thresholds[concept] = scores[order[-1]]
        self._counts[concept] = 0
        return scores[order], uids[order]


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
