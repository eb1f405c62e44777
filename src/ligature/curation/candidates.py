"""The best captions of every concept, ready for choosing among them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ligature.curation.state import TopK
from ligature.errors import DataError


@dataclass(frozen=True)
class Candidates:
    """Who may take what.

    Attributes:
        uids: [r] the distinct uids.
        rows: [C, n] int32, the places in ``uids`` of every concept's list, best first.
        scores: [C, n] float32, descending.
        usable: [C, n] bool, false for what is no match, is banned, or stood in the list before.
    """

    uids: np.ndarray
    rows: np.ndarray
    scores: np.ndarray
    usable: np.ndarray

    @property
    def n_concepts(self) -> int:
        """Number of concepts."""
        return len(self.rows)

    def of(self, concept: int) -> np.ndarray:
        """Returns the usable rows of a concept, best first: [m] int32, distinct."""
        return self.rows[concept][self.usable[concept]]


def list_candidates(top_k: TopK, min_score: float | None, banned: Iterable[int | str] | None) -> Candidates:
    """Numbers the rows and marks those that may be taken.

    Args:
        top_k: scores [C, n] and uids [C, n] of every concept's best captions; a score that is not finite is a gap.
        min_score: lowest score that counts as a match; all by default.
        banned: uids never to be taken.

    Raises:
        DataError: scores and uids of different shapes or without any entry, or scores that rise along a list.
    """
    scores, uids = np.asarray(top_k.scores), np.asarray(top_k.uids)
    if scores.ndim != 2 or scores.shape != uids.shape or 0 in scores.shape:
        raise DataError(f"a selection needs one score a uid, got scores {scores.shape} and uids {uids.shape}")
    if (scores[:, 1:] > scores[:, :-1]).any():
        raise DataError("a concept's scores must stand best first; merge the states again")
    numbers, distinct = pd.factorize(uids.ravel())
    rows = numbers.astype(np.int32).reshape(uids.shape)
    usable = np.isfinite(scores)
    if min_score is not None:
        usable &= scores >= min_score
    if banned is not None:
        kind = str if distinct.dtype.kind == "U" else distinct.dtype
        usable &= ~np.isin(distinct, np.array(list(banned), dtype=kind))[rows]
    _drop_repeated(rows, usable, len(distinct))
    return Candidates(distinct, rows, scores, usable)


def _drop_repeated(rows: np.ndarray, usable: np.ndarray, n_rows: int) -> None:
    """Leaves of a row that stands twice in one list the better place usable."""
    first = np.empty(n_rows, dtype=np.int32)
    places = np.arange(rows.shape[1], dtype=np.int32)
    for concept in range(len(rows)):
        first[rows[concept, ::-1]] = places[::-1]
        usable[concept] &= first[rows[concept]] == places
