"""Plain references: all scores in float64, one full sort a concept, equal scores by uid."""

import numpy as np


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def plain_top_k(uids, embeddings, prototypes, k):
    """The k best scores of every concept and their uids."""
    scores = unit(prototypes) @ unit(embeddings).T
    orders = [np.lexsort((uids, -row))[:k] for row in scores]
    return np.stack([row[order] for row, order in zip(scores, orders, strict=True)]), uids[np.stack(orders)]


def grid_rows(rng, count, width):
    """Rows of one entry in {-1, 1} a block of four: all of one length, so that many scores are equal and exact."""
    rows = np.zeros((count, width, 4), dtype=np.float32)
    np.put_along_axis(rows, rng.integers(0, 4, (count, width, 1)), rng.choice([-1, 1], (count, width, 1)), axis=2)
    return rows.reshape(count, width * 4)
