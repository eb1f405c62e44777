"""Plain references of the caption metrics, straight from their formulas, and captions to try them on."""

import math
from collections import Counter

import numpy as np


def ngrams(words, n):
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def plain_cider(candidates, references):
    """CIDEr-D of each image (arXiv 1411.5726)."""
    scores = []
    for candidate, own in zip(candidates, references, strict=True):
        total = 0.0
        for reference in own:
            off = len(candidate) - len(reference)
            cosines = [clipped_cosine(ngrams(candidate, n), ngrams(reference, n), references, n) for n in (1, 2, 3, 4)]
            total += math.exp(-(off**2) / (2 * 6.0**2)) * sum(cosines) / 4
        scores.append(10 * total / len(own))
    return np.array(scores)


def clipped_cosine(ours, theirs, references, n):
    def weight(counts, ngram):
        images = sum(any(ngram in ngrams(words, n) for words in own) for own in references)
        return counts[ngram] * math.log(len(references) / max(1, images))

    dot = sum(min(weight(ours, ngram), weight(theirs, ngram)) * weight(theirs, ngram) for ngram in ours)
    norms = [math.sqrt(sum(weight(counts, ngram) ** 2 for ngram in counts)) for counts in (ours, theirs)]
    return dot / math.prod(norms) if math.prod(norms) else 0.0


def plain_bleu(candidates, references):
    """BLEU-1 to 4 of the corpus (Papineni et al., 2002), without the COCO script's small constants."""
    length = sum(len(words) for words in candidates)
    wanted = sum(
        min((abs(len(words) - len(candidate)), len(words)) for words in own)[1]
        for candidate, own in zip(candidates, references, strict=True)
    )
    precisions = []
    for n in (1, 2, 3, 4):
        pairs = [(ngrams(words, n), own) for words, own in zip(candidates, references, strict=True)]
        met = [
            min(count, max(ngrams(words, n)[ngram] for words in own))
            for ours, own in pairs
            for ngram, count in ours.items()
        ]
        possible = sum(sum(ours.values()) for ours, _ in pairs)
        precisions.append(sum(met) / possible if possible else 0.0)
    penalty = math.exp(min(0.0, 1 - wanted / length)) if length else 0.0
    return [penalty * math.prod(precisions[:n]) ** (1 / n) for n in (1, 2, 3, 4)]


def plain_common_length(one, other):
    """Length of the longest common subsequence, the whole table cell by cell."""
    table = np.zeros((len(one) + 1, len(other) + 1), int)
    for i, word in enumerate(one):
        for j, word_too in enumerate(other):
            table[i + 1, j + 1] = table[i, j] + 1 if word == word_too else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


def some_captions(seed, images=30, references=5, vocabulary=60):
    """Returns candidates and references of like words, frequent ones more often, some candidates without a word."""
    generator = np.random.default_rng(seed)

    def caption(shortest):
        places = generator.zipf(1.3, generator.integers(shortest, 14)) % vocabulary
        return " ".join(f"w{place}" for place in places)

    owned = [[caption(1) for _ in range(generator.integers(1, references + 1))] for _ in range(images)]
    return [own[0] if row % 4 == 0 else caption(0) for row, own in enumerate(owned)], owned
