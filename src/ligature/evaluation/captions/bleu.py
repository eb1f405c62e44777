"""BLEU-1 to 4 over a whole set of captions, as the COCO script computes it."""

import math

import numpy as np

from ligature.evaluation.captions.ngrams import LENGTHS, CandidateNgrams, ReferenceNgrams, lookup

# The COCO script adds these where a division by nought or a zero precision could stand; values are equal with them.
TINY, SMALL = 1e-15, 1e-9


def bleu(candidates: CandidateNgrams, references: ReferenceNgrams) -> list[float]:
    """Returns BLEU-1, 2, 3 and 4, each 0 to 1, of all images together.

    The geometric mean of the precisions of 1-grams to n-grams, counts clipped at the highest count in one reference of
    the image, times exp(1 - r / c) where the candidates' c words are fewer than the r words of the references that
    are closest in length, the shorter of two equally close ones (Papineni et al., 2002).
    """
    length, wanted = int(candidates.lengths.sum()), int(closest_lengths(candidates, references).sum())
    ratio = (length + TINY) / (wanted + SMALL)
    penalty = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    product, scores = 1.0, []
    for n in LENGTHS:
        possible = int(candidates.counts[n - 1].counts.sum())
        product *= (matches(candidates, references, n) + TINY) / (possible + SMALL)
        scores.append(product ** (1 / n) * penalty)
    return scores


def closest_lengths(candidates: CandidateNgrams, references: ReferenceNgrams) -> np.ndarray:
    """Returns for each image the words of the reference that is closest to its candidate in length, [images]."""
    off = np.abs(references.lengths - candidates.lengths[references.owners])
    order = np.lexsort((references.lengths, off, references.owners))
    first = np.cumsum(references.per_image) - references.per_image
    return references.lengths[order][first]


def matches(candidates: CandidateNgrams, references: ReferenceNgrams, n: int) -> int:
    """Returns how many n-grams of the candidates stand in their references, counts clipped."""
    places, found = lookup(references.of_images(n), candidates.keys(n))
    counts = candidates.counts[n - 1].counts
    highest = np.zeros(len(counts), np.int64)  # in one reference
    np.maximum.at(highest, places[found], references.index.counts[n - 1].counts[found])
    return int(np.minimum(counts, highest).sum())
