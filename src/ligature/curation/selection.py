"""Concept-balanced selection: from every concept's best captions to rows, each under one concept."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ligature.curation.backfill import fill_short_concepts
from ligature.curation.candidates import Candidates, list_candidates
from ligature.curation.orders import NOBODY, assign_capped, assign_in_order, mean_scores, rank_scores
from ligature.curation.state import TopK
from ligature.errors import DataError

Order = Literal["rarest", "mean", "capped"]


@dataclass(frozen=True)
class Selection:
    """What was selected, and how every concept fared.

    Attributes:
        rows: ``uid``, ``concept`` (int32) and ``score`` (float32), sorted by uid.
        concepts: one row a concept, in order: ``concept``; ``asked``, its quota; ``found``, distinct candidates that
            match and are not banned; ``kept``; ``backfilled``, how many of these others gave up; ``kth_score``, the
            score at ``rank`` (NaN where none stands there); ``mean_score`` of all candidates (NaN without any);
            ``rarity_rank``, 0 for the concept that chooses first.
    """

    rows: pd.DataFrame
    concepts: pd.DataFrame


def select(
    top_k: TopK,
    quota: int | np.ndarray,
    order: Order = "rarest",
    *,
    min_score: float | None = None,
    backfill: bool = False,
    rank: int | None = None,
    seed: int = 0,
    banned: Iterable[int | str] | None = None,
) -> pd.DataFrame:
    """Returns the ``rows`` of ``select_with_report``, which takes the same arguments."""
    return select_with_report(
        top_k, quota, order, min_score=min_score, backfill=backfill, rank=rank, seed=seed, banned=banned
    ).rows


def select_with_report(
    top_k: TopK,
    quota: int | np.ndarray,
    order: Order = "rarest",
    *,
    min_score: float | None = None,
    backfill: bool = False,
    rank: int | None = None,
    seed: int = 0,
    banned: Iterable[int | str] | None = None,
) -> Selection:
    """Selects up to ``quota`` rows a concept, every row under one concept only.

    With ``rarest``, the published policy, and ``mean``, concepts choose one after another, those with the lowest
    scores first (of equals the lower index), and each takes the best rows of its list that are left. The published
    code drops the last rank of every list and takes a row that stands twice in it twice; here neither is done.
    With ``capped`` rows are thinned at random as by MetaCLIP (see ``assign_capped``), sizes hold on average only,
    no concept falls short of what it could get, and so ``backfill`` has nothing to do.

    Args:
        top_k: every concept's best captions.
        quota: rows a concept, one number or [C].
        order: by the score at ``rank``, by the mean score, or capped.
        min_score: lowest score that counts as a match; all by default.
        backfill: let short concepts take rows from concepts that can replace them (see ``fill_short_concepts``).
        rank: place from 0 in the lists whose score says how rare a concept is; the last by default.
        seed: of ``capped``.
        banned: uids never to be taken.

    Raises:
        DataError: inputs that do not fit, an unknown order, a negative quota, or a rank that the lists do not have.
    """
    if order not in ("rarest", "mean", "capped"):
        raise DataError(f"order {order!r} is unknown; take rarest, mean or capped")
    candidates = list_candidates(top_k, min_score, banned)
    quotas = _quotas(quota, candidates.n_concepts)
    kth, means = rank_scores(candidates.scores, rank), mean_scores(candidates.scores)
    turns = np.argsort(means if order == "mean" else kth, kind="stable")
    gained = np.zeros(candidates.n_concepts, dtype=np.int64)
    if order == "capped":
        owners = assign_capped(candidates, quotas, seed)
    else:
        owners = assign_in_order(candidates, quotas, turns)
        if backfill:
            owners, gained = fill_short_concepts(candidates, quotas, turns, owners)
    concepts = pd.DataFrame(
        {
            "concept": np.arange(candidates.n_concepts, dtype=np.int32),
            "asked": quotas,
            "found": candidates.usable.sum(axis=1),
            "kept": np.bincount(owners[owners != NOBODY], minlength=candidates.n_concepts),
            "backfilled": gained,
            "kth_score": np.where(np.isfinite(kth), kth, np.nan),
            "mean_score": np.where(np.isfinite(means), means, np.nan),
            "rarity_rank": np.argsort(turns),
        }
    )
    return Selection(_selected(candidates, owners), concepts)


def _quotas(quota: int | np.ndarray, n_concepts: int) -> np.ndarray:
    quotas = np.asarray(quota)
    if quotas.dtype.kind not in "iu" or quotas.shape not in ((), (n_concepts,)) or (quotas < 0).any():
        raise DataError(f"quota: give a whole number of at least 0, or one for each of the {n_concepts} concepts")
    return np.broadcast_to(quotas, n_concepts).astype(np.int64)


def _selected(candidates: Candidates, owners: np.ndarray) -> pd.DataFrame:
    """Returns the owned rows with the scores that their owners give them."""
    parts = []
    for concept, rows in enumerate(candidates.rows):
        owned = candidates.usable[concept] & (owners[rows] == concept)
        parts.append((rows[owned], candidates.scores[concept][owned]))
    rows, scores = (np.concatenate(side) for side in zip(*parts, strict=True))
    concept = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part, _ in parts])
    table = pd.DataFrame(
        {"uid": candidates.uids[rows], "concept": concept, "score": scores.astype(np.float32, copy=False)}
    )
    return table.sort_values("uid", ignore_index=True)
