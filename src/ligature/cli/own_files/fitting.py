"""From features of anchors and of own files to a one-to-one matching, and how far it can be trusted."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ligature.matching.assignment import assign
from ligature.matching.csls import csls
from ligature.matching.matcher import Matcher
from ligature.matching.methods import make_matcher
from ligature.matching.ranking import ranks
from ligature.matching.stretching import stretch
from ligature.params.matching import Method

METHOD: Method = "local-cka-rbf"
RIVALS: tuple[Method, ...] = ("local-cka-rbf", "kernel-ridge", "cca")
"""Methods that are tried on held-out anchors beside the one that was asked for."""
MIN_HELD_OUT = 12
"""Anchors below which none are held out: half of them would be too few to learn from."""
FOLDS = 2


@dataclass(frozen=True)
class Features:
    """Features of images and texts; of anchors, they are paired row by row.

    Attributes:
        images: [n, d_image].
        texts: [c, d_text].
    """

    images: np.ndarray
    texts: np.ndarray


@dataclass(frozen=True)
class Matched:
    """A one-to-one matching.

    Attributes:
        images: [k] rows of images.
        texts: [k] rows of texts, matched to these.
        scores: [n, c] of all images and texts.
    """

    images: np.ndarray
    texts: np.ndarray
    scores: np.ndarray

    def table(self) -> pd.DataFrame:
        """Returns what is to be said of every pair, in the order of images.

        Returns:
            ``image`` and ``text``, their rows; ``score``; ``margin``, by which it exceeds the best score of the image
            with another text, negative where another is better and not a number where there is none; ``rank`` of the
            text among all for the image, 1 for the best.
        """
        scores = self.scores[self.images]
        own = np.take_along_axis(scores, self.texts[:, None], axis=1)[:, 0]
        rank = ranks(scores, self.texts) + 1
        np.put_along_axis(scores, self.texts[:, None], -np.inf, axis=1)
        others = scores.max(axis=1)
        margin = np.where(np.isfinite(others), own - others, np.nan)
        table = pd.DataFrame({"image": self.images, "text": self.texts, "score": own, "margin": margin, "rank": rank})
        return table.sort_values("image", ignore_index=True)


@dataclass(frozen=True)
class Fitting:
    """How images and texts are matched.

    Attributes:
        method: of matching. One that has no scores of its own is shown with those of local CKA.
        stretch: whether every dimension is scaled by its deviation over the anchors.
        neighbours: of the correction of hubs (CSLS); None for none.
        texts_ask: whether texts are the queries, one for each of which there must be an image; else images are.
    """

    method: Method = METHOD
    stretch: bool = False
    neighbours: int | None = None
    texts_ask: bool = False

    def match(self, base: Features, own: Features) -> Matched:
        """Learns from anchors and matches others.

        Raises:
            DataError: the method cannot learn from these anchors, or there are more queries than candidates.
        """
        sides = ((base.images, own.images), (base.texts, own.texts))
        if self.stretch:
            sides = [stretch(*side) for side in sides]
        (base_x, x), (base_y, y) = reversed(sides) if self.texts_ask else sides
        matcher = make_matcher(self.method).fit(base_x, base_y)
        if isinstance(matcher, Matcher):
            scores = matcher.score(x, y)
            if self.neighbours is not None:
                scores = csls(scores, self.neighbours)
            candidates = assign(scores)
        else:
            scores = make_matcher(METHOD).fit(base_x, base_y).score(x, y)
            candidates = np.asarray(matcher.match(x, y))
        queries = np.arange(len(candidates))
        if self.texts_ask:
            return Matched(candidates, queries, scores.T)
        return Matched(queries, candidates, scores)

    def held_out_accuracy(self, base: Features, texts: np.ndarray, among: Features) -> float | None:
        """Returns the share of anchors that are matched to their own text when they are held out, half at a time.

        The other half is learnt from. Held-out images and texts are thrown, shuffled, among those that are to be
        matched, so that they have as many rivals as these, and some more.

        Args:
            base: the anchors; below ``MIN_HELD_OUT`` of them none are held out, and None is returned.
            texts: [m, d] what held-out anchors are matched to: one caption each, where the base has means of several.
            among: what is to be matched.
        """
        count = len(base.images)
        if count < MIN_HELD_OUT:
            return None
        generator = np.random.default_rng(0)
        order, correct = generator.permutation(count), 0
        neighbours = self.neighbours and min(self.neighbours, count // FOLDS)
        fitting = replace(self, neighbours=neighbours)
        for held in np.array_split(order, FOLDS):
            rest, shuffled = np.setdiff1d(order, held), generator.permutation(held)
            learnt = Features(base.images[rest], base.texts[rest])
            images = np.concatenate([base.images[held], among.images])
            found = fitting.match(learnt, Features(images, np.concatenate([texts[shuffled], among.texts])))
            known = (found.images < len(held)) & (found.texts < len(held))
            correct += int((held[found.images[known]] == shuffled[found.texts[known]]).sum())
        return correct / count
