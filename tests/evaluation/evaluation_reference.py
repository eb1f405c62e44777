"""Plain references: integer scores of the unit rows, one full sort a query, ties sorted against the model."""

import numpy as np

from ligature.evaluation.cosine import GRID, unit_rows


def integer_scores(rows, columns):
    """Scores in units of 2^-48: int64 arithmetic knows no rounding and no order of summation."""
    rows, columns = (np.rint(unit_rows(x, "x").double().numpy() / GRID).astype(np.int64) for x in (rows, columns))
    return rows @ columns.T


def sorted_rank(scores, positives):
    """1-based rank of the best positive among the negatives; a positive sorts behind its equals."""
    positive = np.zeros(len(scores), dtype=bool)
    positive[positives] = True
    order = np.lexsort((positive, -scores))
    return 1 + int(np.flatnonzero(positive[order])[0])


def plain_ranks(image_features, text_features, image_of_text):
    """Ranks of every image with captions and of every text, one full sort each."""
    scores = integer_scores(image_features, text_features)
    captions = [np.flatnonzero(np.asarray(image_of_text) == i) for i in range(len(image_features))]
    i2t = [sorted_rank(scores[i], own) for i, own in enumerate(captions) if len(own)]
    t2i = [sorted_rank(scores[:, j], [i]) for j, i in enumerate(image_of_text)]
    return i2t, t2i
