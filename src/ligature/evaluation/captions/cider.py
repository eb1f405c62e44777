"""CIDEr-D: cosine of tf-idf vectors of n-grams between a caption and its references, clipped and length-penalised."""

import numpy as np

from ligature.evaluation.captions.ngrams import LENGTHS, CandidateNgrams, ReferenceNgrams, lookup, second_of

SIGMA = 6.0


class CiderD:
    """Weights of all reference n-grams of an evaluated set, computed once for any number of candidates.

    CIDEr-D of Vedantam, Zitnick and Parikh (arXiv 1411.5726), as the COCO script has it: with tf-idf vectors g_n
    (count of an n-gram times log(images / images with it in a reference), an unknown n-gram counted as if one image
    had it), the score of candidate c with references s_1..s_m is

        10 / m * sum_j exp(-(l(c) - l(s_j))^2 / (2 sigma^2)) * mean_n (min(g_n(c), g_n(s_j)) . g_n(s_j))
                                                                       / (|g_n(c)| |g_n(s_j)|)

    with n = 1 to 4, sigma = 6 and l the number of words. A single image has log(1) = 0 as every weight, so it scores 0.
    """

    def __init__(self, references: ReferenceNgrams) -> None:
        """Takes the n-grams of the references; document frequencies are those of exactly these images."""
        self._references = references
        self._log_images = np.log(len(references.per_image))
        self._idf = [self._idf_of(n) for n in LENGTHS]
        self._weights = [
            counts.counts * idf[counts.ngrams] for counts, idf in zip(references.index.counts, self._idf, strict=True)
        ]
        rows = len(references.owners)
        self._norms = [
            norms(counts.captions, weights, rows)
            for counts, weights in zip(references.index.counts, self._weights, strict=True)
        ]

    def _idf_of(self, n: int) -> np.ndarray:
        entries = np.sort(self._references.of_images(n))
        first = np.diff(entries, prepend=-1) > 0  # an n-gram in several references of an image counts once
        frequency = np.bincount(second_of(entries[first]), minlength=self._references.index.sizes[n - 1])
        return self._log_images - np.log(frequency)

    def scores(self, candidates: CandidateNgrams) -> np.ndarray:
        """Returns the score of each image's candidate, [images], 0 to 10."""
        owners, per_image = self._references.owners, self._references.per_image
        similarity = sum(self._similarity(candidates, n) for n in LENGTHS) / len(LENGTHS)
        penalty = np.exp(-((candidates.lengths[owners] - self._references.lengths) ** 2) / (2 * SIGMA**2))
        return 10 * np.bincount(owners, similarity * penalty, minlength=len(per_image)) / per_image

    def _similarity(self, candidates: CandidateNgrams, n: int) -> np.ndarray:
        """Returns the clipped cosine of each reference with its image's candidate, [references]."""
        counts, own = self._references.index.counts[n - 1], candidates.counts[n - 1]
        idf = np.full(max(own.ngrams.max(initial=-1) + 1, len(self._idf[n - 1])), self._log_images)
        idf[: len(self._idf[n - 1])] = self._idf[n - 1]
        weights = own.counts * idf[own.ngrams]
        places, found = lookup(self._references.of_images(n), candidates.keys(n))
        theirs = self._weights[n - 1][found]
        products = np.minimum(weights[places[found]], theirs) * theirs
        owners = self._references.owners
        dots = np.bincount(counts.captions[found], products, minlength=len(owners))
        lengths = norms(own.captions, weights, len(candidates.lengths))[owners] * self._norms[n - 1]
        return np.divide(dots, lengths, out=np.zeros(len(dots)), where=lengths > 0)


def norms(rows: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Returns the Euclidean length of each of ``count`` rows of entries."""
    return np.sqrt(np.bincount(rows, weights**2, minlength=count))
