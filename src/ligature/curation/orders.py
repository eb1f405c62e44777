"""Which concept chooses first, and what it takes."""

import numpy as np

from ligature.curation.candidates import Candidates
from ligature.curation.keyed import keyed_uniform
from ligature.errors import DataError

NOBODY = -1


def rank_scores(scores: np.ndarray, rank: int | None) -> np.ndarray:
    """Returns every concept's score at a place of its list, the published measure of rarity: low is rare.

    Args:
        scores: [C, n] descending.
        rank: place from 0, the best; the last by default.

    Returns:
        [C] float32; minus infinity where nothing stands there.

    Raises:
        DataError: a rank that the lists do not have.
    """
    length = scores.shape[1]
    rank = length - 1 if rank is None else rank
    if not 0 <= rank < length:
        raise DataError(f"rank {rank}: the concepts' lists have ranks 0 to {length - 1}")
    return np.where(np.isfinite(scores[:, rank]), scores[:, rank], -np.inf)


def mean_scores(scores: np.ndarray) -> np.ndarray:
    """Returns the mean of every concept's list: [C] float64; minus infinity for an empty one."""
    lists = (row[np.isfinite(row)] for row in scores)
    return np.array([row.mean(dtype=np.float64) if len(row) else -np.inf for row in lists])


def assign_in_order(candidates: Candidates, quotas: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Lets one concept after another take its best rows that are left, up to its quota.

    Args:
        candidates: C concepts' lists over r distinct rows.
        quotas: [C] rows wanted.
        order: [C] concepts, the first chooses first.

    Returns:
        [r] int32, the concept that owns each row, or ``NOBODY``.
    """
    owners = np.full(len(candidates.uids), NOBODY, dtype=np.int32)
    for concept in order:
        rows = candidates.of(concept)
        owners[rows[owners[rows] == NOBODY][: quotas[concept]]] = concept
    return owners


def assign_capped(candidates: Candidates, quotas: np.ndarray, seed: int) -> np.ndarray:
    """Thins frequent concepts and keeps rare ones whole (MetaCLIP, Xu et al. 2024, section 3.2).

    A row may match several concepts. It stays if for any of them a number in [0, 1) that belongs to seed, row and
    concept is below quota / matches; so a concept matched more often than its quota keeps the quota on average, not
    exactly, and more by way of rows that other concepts keep. It is listed under the concept it matches best.

    Args:
        candidates: C concepts' lists over r distinct rows. Matches beyond the end of a list are not counted.
        quotas: [C] rows wanted.
        seed: of the numbers.

    Returns:
        [r] int32, the concept under which each row is listed, or ``NOBODY``.
    """
    owners = np.full(len(candidates.uids), NOBODY, dtype=np.int32)
    best = np.full(len(candidates.uids), -np.inf, dtype=np.float32)
    stays = np.zeros(len(candidates.uids), dtype=bool)
    for concept in range(candidates.n_concepts):
        rows, scores = candidates.of(concept), candidates.scores[concept][candidates.usable[concept]]
        uniform = keyed_uniform(candidates.uids[rows], seed, concept)
        stays[rows[uniform * len(rows) < quotas[concept]]] = True
        better = scores > best[rows]
        owners[rows[better]] = concept
        best[rows[better]] = scores[better]
    return np.where(stays, owners, NOBODY)
