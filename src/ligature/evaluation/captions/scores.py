"""Scores of captions against the references of their images, by the metrics of the field."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from ligature.errors import DataError
from ligature.evaluation.captions.bleu import bleu
from ligature.evaluation.captions.cider import CiderD
from ligature.evaluation.captions.meteor import meteor
from ligature.evaluation.captions.ngrams import CandidateNgrams, ReferenceNgrams
from ligature.evaluation.captions.ptb import ptb_words
from ligature.evaluation.captions.rouge import rouge_l
from ligature.evaluation.captions.spice import spice
from ligature.evaluation.captions.words import check_lengths, plain_words

Words = list[list[str]]
TOKENIZERS: dict[str, Callable[[Sequence[str]], Words]] = {"plain": plain_words, "ptb": ptb_words}
METRICS = ("cider", "bleu", "rouge-l", "meteor", "spice")


class CaptionScorer:
    """References of an evaluated set, cut into words and counted once for any number of candidates.

    Document frequencies of CIDEr-D are those of all images given here; so scores under several levels of noise, of
    several models, or of resampled images are comparable.
    """

    def __init__(self, references: Sequence[Sequence[str]], *, tokenizer: str = "plain") -> None:
        """Takes the references of every image.

        Args:
            references: captions of each image, at least one an image.
            tokenizer: "plain" (``plain_words``) or "ptb" (``ptb_words``, needs Java).

        Raises:
            DataError: no images, an image without references, a caption that is no text or too long, or an unknown
                tokenizer.
            LigatureError: what the tokenizer needs is missing.
        """
        if tokenizer not in TOKENIZERS:
            raise DataError(f"tokenizer {tokenizer!r}: unknown; there are {', '.join(TOKENIZERS)}")
        check_references(references)
        self._tokenize = TOKENIZERS[tokenizer]
        names = [f"references of image {row}" for row, own in enumerate(references) for _ in own]
        words = self._words([caption for own in references for caption in own], names)
        ends = np.cumsum([len(own) for own in references]).tolist()
        self._references = [words[end - len(own) : end] for end, own in zip(ends, references, strict=True)]

    @cached_property
    def _ngrams(self) -> ReferenceNgrams:
        return ReferenceNgrams(self._references)

    @cached_property
    def _cider(self) -> CiderD:
        return CiderD(self._ngrams)

    def per_image_cider(self, candidates: Sequence[str]) -> np.ndarray:
        """Returns CIDEr-D of each image's candidate, [images], 0 to 10.

        Raises:
            DataError: not one candidate an image, or one that is no text or too long.
        """
        return self._cider.scores(CandidateNgrams.of(self._candidates(candidates), self._ngrams))

    def scores(self, candidates: Sequence[str], metrics: Sequence[str]) -> dict[str, float]:
        """Returns the scores of one candidate an image; see ``caption_scores``."""
        for metric in metrics:
            if metric not in METRICS:
                raise DataError(f"metric {metric!r}: unknown; there are {', '.join(METRICS)}")
        words, found = self._candidates(candidates), {}
        ngrams = CandidateNgrams.of(words, self._ngrams) if {"cider", "bleu"} & set(metrics) else None
        for metric in metrics:
            if metric == "cider":
                found["cider"] = float(self._cider.scores(ngrams).mean())
            elif metric == "bleu":
                found |= {f"bleu{n}": score for n, score in enumerate(bleu(ngrams, self._ngrams), start=1)}
            elif metric == "rouge-l":
                found["rouge_l"] = float(rouge_l(words, self._references).mean())
            else:
                found[metric] = {"meteor": meteor, "spice": spice}[metric](words, self._references)
        return found

    def _candidates(self, candidates: Sequence[str]) -> Words:
        if isinstance(candidates, str):
            raise DataError("candidates: a text instead of a list of texts")
        if len(candidates) != len(self._references):
            raise DataError(f"{len(candidates):,} candidates for {len(self._references):,} images: one an image")
        return self._words(candidates, [f"candidate of image {row}" for row in range(len(candidates))])

    def _words(self, captions: Sequence[str], names: Sequence[str]) -> Words:
        for caption, name in zip(captions, names, strict=True):
            if not isinstance(caption, str):
                raise DataError(f"{name}: {type(caption).__name__} instead of a text")
        words = self._tokenize(captions)
        check_lengths(words, names)
        return words


def check_references(references: Sequence[Sequence[str]]) -> None:
    """Checks that there are images, and references of each.

    Raises:
        DataError: there are none; names the image's position, counted from 0.
    """
    if len(references) == 0:
        raise DataError("references: no images to score captions of")
    for row, own in enumerate(references):
        if isinstance(own, str):
            raise DataError(f"references of image {row}: a text instead of a list of texts")
        if len(own) == 0:
            raise DataError(f"references of image {row}: none; every image needs at least one")


def caption_scores(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    metrics: Sequence[str] = ("cider", "bleu", "rouge-l"),
    *,
    tokenizer: str = "plain",
) -> dict[str, float]:
    """Scores captions against the references of their images, with the values of the COCO script (pycocoevalcap).

    Words are cut by ``tokenizer``; published figures are made with "ptb". Candidates may be empty and then score 0.
    A single image has a CIDEr-D of 0, whatever its caption, as every document frequency equals the number of images.

    Args:
        candidates: one caption an image.
        references: captions of each image, at least one an image.
        metrics: "cider", "bleu", "rouge-l", "meteor", "spice"; the last two need pycocoevalcap and Java.
        tokenizer: "plain" or "ptb", which needs pycocoevalcap and Java.

    Returns:
        ``cider`` (mean CIDEr-D, 0 to 10; papers print it times 100), ``bleu1`` to ``bleu4``, ``rouge_l``, ``meteor``
        and ``spice`` (0 to 1), as far as asked for.

    Raises:
        DataError: counts differ, an image has no references, a caption is no text or too long, or a name is unknown.
        LigatureError: package, Java or a download is missing, or Java fails.
    """
    return CaptionScorer(references, tokenizer=tokenizer).scores(candidates, metrics)


def per_image_cider(
    candidates: Sequence[str], references: Sequence[Sequence[str]], *, tokenizer: str = "plain"
) -> np.ndarray:
    """Returns CIDEr-D of each image's candidate, [images], 0 to 10; arguments and errors of ``caption_scores``."""
    return CaptionScorer(references, tokenizer=tokenizer).per_image_cider(candidates)
