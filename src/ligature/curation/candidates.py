"""The best captions of every concept, ready for choosing among them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ligature.curation.state import TopK
from ligature.errors import DataError


@dataclass(frozen=True)
class Candidates:
    """Who may take what.

    Attributes:
        uids: [r] the distinct uids.
        rows: [C, n] int32, the places in ``uids`` of every concept's list, best first.
        scores: [C, n] float32, descending.
        usable: [C, n] bool, false for what is no match or is banned.
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
        top_k: every concept's best captions; a score that is not finite is a gap.
        min_score: lowest score that counts as a match; all by default.
        banned: uids never to be taken.

    Raises:
        DataError: no entry at all, or scores that rise along a list.
    """
    scores, rows = np.asarray(top_k.scores), np.asarray(top_k.places)
    if scores.ndim != 2 or 0 in scores.shape:
        raise DataError(f"a selection needs scores of concepts and rows, got {scores.shape}; score the pool first")
    if (scores[:, 1:] > scores[:, :-1]).any():
        raise DataError("a concept's scores must stand best first; merge the states again")
    usable = np.isfinite(scores)
    if min_score is not None:
        usable &= scores >= min_score
    if banned is not None:
        kind = str if top_k.pool.dtype.kind == "U" else top_k.pool.dtype
        usable &= ~np.isin(top_k.pool, np.array(list(banned), dtype=kind))[rows]
    return Candidates(top_k.pool, rows, scores, usable)
