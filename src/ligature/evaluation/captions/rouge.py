"""ROUGE-L, the longest common subsequence of words, as the COCO script computes it."""

from collections.abc import Sequence

import numpy as np

BETA = 1.2


def rouge_l(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> np.ndarray:
    """Returns ROUGE-L of each image's candidate, [images], 0 to 1.

    F of the highest precision and the highest recall over the image's references, each on its own, with beta 1.2 (Lin,
    2004). A candidate without words scores 0.

    Args:
        candidates: words of one candidate an image.
        references: words of each image's references, at least one an image.
    """
    return np.array([image_rouge_l(*pair) for pair in zip(candidates, references, strict=True)])


def image_rouge_l(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Returns ROUGE-L of one candidate."""
    masks = positions(candidate)
    common = [common_length(masks, len(candidate), reference) for reference in references]
    if not any(common):
        return 0.0
    precision = max(common) / len(candidate)
    recall = max(same / len(reference) for same, reference in zip(common, references, strict=True) if reference)
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def positions(words: Sequence[str]) -> dict[str, int]:
    """Returns for each word the places where it stands, as the bits of one integer."""
    masks: dict[str, int] = {}
    for place, word in enumerate(words):
        masks[word] = masks.get(word, 0) | 1 << place
    return masks


def common_length(masks: dict[str, int], length: int, words: Sequence[str]) -> int:
    """Returns the length of the longest common subsequence, a whole row of the table at a time as bits of one integer.

    A zero bit of ``row`` stands where the table grows by one (Hyyrö, "Bit-parallel LCS-length computation revisited",
    2004).

    Args:
        masks: ``positions`` of the one sequence.
        length: its length.
        words: the other sequence.
    """
    full = (1 << length) - 1
    row = full
    for word in words:
        if (mask := masks.get(word, 0)) != 0:
            met = row & mask
            row = (row + met | row - met) & full
    return length - row.bit_count()
