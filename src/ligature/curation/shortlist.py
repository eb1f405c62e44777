"""The rows that may still be among the k best of each concept: appended as they come, thinned out when full."""

from collections.abc import Callable

import numpy as np

from ligature.curation.state import best_first

SAMPLE = 1024
SPARE = 1024  # room of a list beyond 1.25 k


class Shortlists:
    """Scores and row numbers of the rows that reached the threshold of their concept.

    A list has room for 1.25 k rows, taken as needed where k is large. Rows are numbered as they come.

    Attributes:
        thresholds: [C] float32, lower bounds of the k-th best score so far; rows below are out.
    """

    def __init__(self, concepts: int, k: int, first: int, uids_of: Callable[[np.ndarray], np.ndarray]) -> None:
        """Makes empty lists.

        Args:
            concepts: how many.
            k: best rows wanted.
            first: rows that the first call of ``extend`` brings at most.
            uids_of: gives the uids of row numbers, which order equal scores.
        """
        self.thresholds = np.full(concepts, -np.inf, np.float32)
        self._k, self._capacity, self._uids_of = k, k + k // 4 + SPARE, uids_of
        self._counts = [0] * concepts
        size = min(self._capacity, first)
        self._scores, self._rows = np.empty((concepts, size), np.float32), np.empty((concepts, size), np.int32)

    def extend(self, concept: int, scores: np.ndarray, rows: np.ndarray | int) -> None:
        """Adds rows to the list of ``concept``, those below its threshold left out.

        Args:
            concept: its number.
            scores: [n] float32.
            rows: [n] their numbers, or the number of the first where they follow each other.
        """
        reached = self._reached(concept, scores)
        scores = scores.take(reached)
        rows = rows.take(reached) if isinstance(rows, np.ndarray) else reached + rows
        if self._counts[concept] + len(scores) > self._capacity:
            self._drop_below(concept)
        if self._counts[concept] + len(scores) > self._capacity:
            scores, rows = self._k_best_with(concept, scores, rows)
        self._append(concept, scores, rows)

    def best(self, width: int, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the best scores of every concept and the ranks of their rows, best first, equal scores by rank.

        They take the place of the lists in memory, each behind what is still to be read, and the lists are no more.

        Args:
            width: how many.
            ranks: [rows] int32, the places of the row numbers in the order of uids.

        Returns:
            [C, width] float32 and [C, width] int32.
        """
        scores, places = self._scores.reshape(-1), self._rows.reshape(-1)
        for concept in range(len(self._counts)):
            listed, rows = self._list(concept)
            listed_ranks = ranks.take(rows)
            order = best_first(listed, listed_ranks)[:width]
            span = slice(concept * width, (concept + 1) * width)
            scores[span], places[span] = listed.take(order), listed_ranks.take(order)
        shape = len(self._counts), width
        return tuple(values[: shape[0] * width].reshape(shape) for values in (scores, places))

    def _list(self, concept: int) -> tuple[np.ndarray, np.ndarray]:
        count = self._counts[concept]
        return self._scores[concept, :count], self._rows[concept, :count]

    def _append(self, concept: int, scores: np.ndarray, rows: np.ndarray) -> None:
        count = self._counts[concept]
        size = count + len(scores)
        if size > self._scores.shape[1]:
            length = min(self._capacity, 2 * size)
            self._scores, self._rows = _wider(self._scores, length), _wider(self._rows, length)
        self._scores[concept, count:size] = scores
        self._rows[concept, count:size] = rows
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
        scores, rows = self._list(concept)
        kept = (scores >= self.thresholds[concept]).nonzero()[0]
        scores[: len(kept)], rows[: len(kept)] = scores.take(kept), rows.take(kept)
        self._counts[concept] = len(kept)

    def _k_best_with(self, concept: int, scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Empties the list and returns the exact k best of it and the new rows: for where many scores are equal."""
        listed_scores, listed_rows = self._list(concept)
        scores, rows = np.concatenate([listed_scores, scores]), np.concatenate([listed_rows, rows])
        order = best_first(scores, self._uids_of(rows))[: self._k]
        self.thresholds[concept] = scores[order[-1]]
        self._counts[concept] = 0
        return scores[order], rows[order]


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
