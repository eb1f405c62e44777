"""Chance levels: what a random ranking reaches, to stand beside the results."""

from collections.abc import Sequence
from math import comb

import numpy as np

from ligature.errors import DataError


def chance_recall(k: int, n_candidates: int, n_positives: int = 1) -> float:
    """Returns the probability that a random ranking puts one of the positives among the first k candidates.

    The number of positives among the first k is hypergeometric: ``1 - C(N - m, k) / C(N, k)``.

    Raises:
        DataError: k below one, or the positives are not between one and the candidates.
    """
    if k < 1 or not 1 <= n_positives <= n_candidates:
        raise DataError(f"chance at k = {k} with {n_positives} positives of {n_candidates} is not defined")
    if k > n_candidates - n_positives:
        return 1.0
    every = comb(n_candidates, k)
    return (every - comb(n_candidates - n_positives, k)) / every


def chance_top_k(k: int, n_classes: int) -> float:
    """Returns the top-k accuracy of random guesses among ``n_classes``: ``k / n_classes``.

    Raises:
        DataError: k not in 1..n_classes.
    """
    if not 1 <= k <= n_classes:
        raise DataError(f"top-{k} accuracy of {n_classes} classes: k must be between 1 and {n_classes}")
    return k / n_classes


def chance_retrieval_recall(
    image_of_text: np.ndarray, n_images: int, ks: Sequence[int] = (1, 5, 10)
) -> dict[str, float]:
    """Returns the recall that random rankings reach on average, under the keys of ``retrieval_recall``.

    Args:
        image_of_text: (n_texts,) row of each text's image; images may have different numbers of captions.
        n_images: number of images, with or without captions.
        ks: the k of recall at k.

    Raises:
        DataError: no texts, or a k below one.
    """
    n_texts = len(image_of_text)
    if n_texts == 0:
        raise DataError("chance of retrieval without texts is not defined")
    captions, images = np.unique(np.unique(image_of_text, return_counts=True)[1], return_counts=True)
    i2t = {
        f"i2t_recall@{k}": float(np.average([chance_recall(k, n_texts, int(m)) for m in captions], weights=images))
        for k in ks
    }
    return i2t | {f"t2i_recall@{k}": chance_recall(k, n_images) for k in ks}
