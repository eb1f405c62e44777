"""Backfill: a concept that falls short takes rows from concepts that can replace them."""

import numpy as np

from ligature.curation.candidates import Candidates
from ligature.curation.orders import NOBODY


def fill_short_concepts(
    candidates: Candidates, quotas: np.ndarray, order: np.ndarray, owners: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fills quotas by augmenting paths of length one, after ``assign_in_order``.

    A short concept has no free row left in its list, but another concept (the donor) that owns rows of it may have
    free rows further down its own. The donor hands over rows, the best of the short concept first, and takes as many
    of its own best free rows instead: nobody ends with fewer rows. Short concepts come in ``order``, donors in the
    order of their best row in the list. Free rows only become fewer, so one pass leaves nothing to do.

    Args:
        candidates: C concepts' lists over r distinct rows.
        quotas: [C] rows wanted.
        order: [C] concepts, the first comes first.
        owners: [r] result of ``assign_in_order``.

    Returns:
        The new owners [r], and the rows gained by every concept, [C] int64.
    """
    owners = owners.copy()
    missing = quotas - np.bincount(owners[owners != NOBODY], minlength=candidates.n_concepts)
    gained = np.zeros(candidates.n_concepts, dtype=np.int64)
    exhausted = np.zeros(candidates.n_concepts, dtype=bool)
    for concept in order[missing[order] > 0]:
        rows = candidates.of(concept)
        for donor in _donors(owners[rows], concept):
            wanted = missing[concept] - gained[concept]
            if wanted and not exhausted[donor]:
                spare = candidates.of(donor)
                spare = spare[owners[spare] == NOBODY][:wanted]
                handed = rows[owners[rows] == donor][: len(spare)]
                owners[handed] = concept
                owners[spare[: len(handed)]] = donor
                gained[concept] += len(handed)
                exhausted[donor] = len(spare) == 0
    return owners, gained


def _donors(owners: np.ndarray, concept: int) -> np.ndarray:
    """Returns the other owners in order of first appearance."""
    distinct, first = np.unique(owners, return_index=True)
    distinct = distinct[np.argsort(first)]
    return distinct[(distinct != NOBODY) & (distinct != concept)]
