"""Made-up best captions, and the policies of selection in plain words."""

import numpy as np

from ligature.curation.state import TopK


def best_captions(lists, dtype=np.uint64):
    """Lists of (uid, score), best first, filled up to one length with gaps."""
    length = max(map(len, lists))
    scores = np.full((len(lists), length), -np.inf, dtype=np.float32)
    uids = np.zeros((len(lists), length), dtype=dtype)
    for concept, pairs in enumerate(lists):
        for place, (uid, score) in enumerate(pairs):
            uids[concept, place], scores[concept, place] = uid, score
    return TopK.of(scores, uids, length, uids.size)


def random_captions(seed, concepts=6, length=12, pool=30):
    """Every list holds distinct rows of a pool, with scores that differ from all others."""
    rng = np.random.default_rng(seed)
    scores = rng.permutation(concepts * length).reshape(concepts, length) / (concepts * length)
    uids = np.stack([rng.permutation(pool)[:length] for _ in range(concepts)]) + 1
    scores = -np.sort(-scores, axis=1) - rng.random((concepts, 1)) / (4 * concepts * length)
    return TopK.of(scores.astype(np.float32), uids.astype(np.uint64), length, pool)


def greedy(top_k, quotas, turns, min_score=-1.0, banned=()):
    """Walks every list in turn, one row after another."""
    taken = {}
    for concept in turns:
        kept = 0
        for uid, score in zip(top_k.uids[concept].tolist(), top_k.scores[concept].tolist(), strict=True):
            if kept < quotas[concept] and uid not in taken and uid not in banned and score >= np.float32(min_score):
                taken[uid] = (concept, score)
                kept += 1
    return taken


def as_dict(rows):
    """The rows of a selection as {uid: (concept, score)}."""
    return {uid: (concept, score) for uid, concept, score in rows.itertuples(index=False)}
