"""Image-text retrieval: ranks and recall in both directions, several captions an image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ligature.errors import DataError
from ligature.evaluation.cosine import Array, paired_scores, row_indices, unit_rows_pair
from ligature.evaluation.ranking import CHUNK, count_at_least


@dataclass(frozen=True)
class RetrievalRanks:
    """1-based ranks of the right answer, ties counted against the model.

    Attributes:
        i2t: (images with a caption,) rank of the image's best caption among the captions of other images.
        t2i: (texts,) rank of the text's image among all images.
    """

    i2t: np.ndarray
    t2i: np.ndarray


def retrieval_ranks(
    image_features: Array, text_features: Array, image_of_text: Array, *, chunk: int = CHUNK
) -> RetrievalRanks:
    """Ranks by cosine similarity: one plus the number of negatives that score no lower than the positive.

    So a model that gives every feature the same value ranks last. Other captions of the same image are no
    negatives. Images without a caption are candidates for texts but ask no query.

    Args:
        image_features: (n_images, d), any length.
        text_features: (n_texts, d), any length.
        image_of_text: (n_texts,) row of each text's image.
        chunk: images and texts of a tile; no more than chunk^2 scores exist at once.

    Raises:
        DataError: no rows, different widths, zero or non-finite rows, or ``image_of_text`` does not fit.
    """
    images, texts = unit_rows_pair(image_features, text_features, ("image_features", "text_features"))
    owner = row_indices(image_of_text, len(texts), len(images), "image_of_text").to(images.device)
    positive = paired_scores(images, texts, owner, torch.arange(len(texts), device=images.device))
    best = torch.full((len(images),), -torch.inf, dtype=torch.float64, device=images.device)
    best.scatter_reduce_(0, owner, positive, "amax")
    own_ties = torch.zeros(len(images), dtype=torch.int64, device=images.device)
    own_ties.index_add_(0, owner, (positive == best[owner]).long())
    at_least_best, at_least_positive = count_at_least(images, texts, best, positive, chunk=chunk)
    i2t = 1 + (at_least_best - own_ties)[own_ties > 0]
    return RetrievalRanks(i2t=i2t.cpu().numpy(), t2i=at_least_positive.cpu().numpy())


def retrieval_recall(
    image_features: Array,
    text_features: Array,
    image_of_text: Array,
    ks: Sequence[int] = (1, 5, 10),
    *,
    chunk: int = CHUNK,
) -> dict[str, float]:
    """Returns recall at each k and the median rank, image to text and text to image.

    Arguments, ties and errors are those of ``retrieval_ranks``; every k must be at least one. Where k reaches
    the number of candidates, recall is one by definition.

    Returns:
        ``i2t_recall@k`` and ``t2i_recall@k`` for every k, fractions of queries; ``i2t_median_rank`` and
        ``t2i_median_rank``, 1-based.
    """
    for k in ks:
        if k < 1:
            raise DataError(f"recall at k = {k}: k must be at least 1")
    ranks = retrieval_ranks(image_features, text_features, image_of_text, chunk=chunk)
    metrics = {}
    for direction, values in (("i2t", ranks.i2t), ("t2i", ranks.t2i)):
        metrics |= {f"{direction}_recall@{k}": float((values <= k).mean()) for k in ks}
        metrics[f"{direction}_median_rank"] = float(np.median(values))
    return metrics
