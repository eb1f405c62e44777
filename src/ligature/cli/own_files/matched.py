"""An index without training: anchors give the space in which texts and images have dot products as scores."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ligature import __version__
from ligature.cli.own_files.anchors import Anchors
from ligature.cli.own_files.encoding import encode_texts
from ligature.cli.own_files.features import OwnFeatures, find_entry
from ligature.cli.own_files.fitting import Features
from ligature.cli.own_files.stored import Index, IndexFacts, require_encoder
from ligature.encoders import load_text_encoder
from ligature.errors import DataError, StoreError
from ligature.matching.gallery import Gallery
from ligature.matching.matcher import Matcher
from ligature.matching.methods import make_matcher
from ligature.matching.stretching import dimension_scales
from ligature.params.matching import Method
from ligature.store import Layout

PROBES = 8
"""Anchors whose vectors are kept, to see that a space learnt again is the same."""
TOLERANCE = 1e-6


@dataclass(frozen=True)
class MatchedSpace:
    """A space that texts and images share, learnt from anchors.

    Attributes:
        matcher: with texts, the queries, on the side of x, and images on that of y.
        text_scales: [d_text] factors of the dimensions of texts.
        image_scales: [d_image] factors of those of images.
    """

    matcher: Matcher
    text_scales: np.ndarray
    image_scales: np.ndarray

    @classmethod
    def fit(cls, base: Features, method: Method, stretch: bool) -> Self:
        """Learns from anchors.

        Raises:
            DataError: the method cannot learn from these anchors, or gives no space.
        """
        matcher = make_matcher(method)
        if not isinstance(matcher, Matcher):
            raise DataError(f"method {method!r} matches one to one and has no scores to search by; choose another")
        text, image = (
            dimension_scales(side) if stretch else np.ones(side.shape[1]) for side in (base.texts, base.images)
        )
        return cls(matcher.fit(base.texts * text, base.images * image), text, image)

    def texts(self, vectors: np.ndarray) -> np.ndarray:
        """Returns texts in the space, [n, p]."""
        return self.matcher.transform_x(vectors * self.text_scales)

    def images(self, vectors: np.ndarray) -> np.ndarray:
        """Returns images in the space, [n, p]."""
        return self.matcher.transform_y(vectors * self.image_scales)


def matched_index(own: OwnFeatures, anchors: Anchors, method: Method, stretch: bool, refused: int) -> Index:
    """Returns the index of images in the space that anchors give; the anchors' own images are in it too.

    Args:
        own: all images, and the captions of the anchors.
        anchors: known pairs.
        method: one that scores by a dot product.
        stretch: whether dimensions are scaled by their deviation over the anchors.
        refused: number of files that were not opened.

    Raises:
        DataError: the method cannot learn from these anchors, or gives no space.
    """
    base = own.base(anchors)
    space = MatchedSpace.fit(base, method, stretch)
    gallery = Gallery.of(own.files.names, space.images(own.files.vectors))
    facts = IndexFacts(
        images=len(gallery.names),
        left_out=refused + len(own.files.broken),
        encoders=own.encoders,
        method=method,
        stretch=stretch,
        version=__version__,
    )
    anchored = {"images": base.images, "texts": base.texts, "probe": space.texts(base.texts[:PROBES])}
    return Index(facts, gallery, anchored)


def matched_queries(index: Index, layout: Layout, texts: list[str], device: str) -> np.ndarray:
    """Returns texts in the space of an index, [n, p], which is learnt again from its anchors.

    Args:
        index: with anchors.
        layout: of a study that knows the text encoder of the index.
        texts: the queries.
        device: where the encoder runs.

    Raises:
        EncoderError: the study does not know the encoder.
        StoreError: the encoder is another one now, or the space is.
    """
    name = index.facts.encoders["text"].get("name")
    encoder = load_text_encoder(find_entry(layout, name, "text"), layout, device=device)
    require_encoder(index.facts, "text", encoder.identity)
    base = Features(index.anchors["images"], index.anchors["texts"])
    space = MatchedSpace.fit(base, index.facts.method, index.facts.stretch)
    probe, before = space.texts(base.texts[:PROBES]), index.anchors["probe"]
    if probe.shape != before.shape or not np.allclose(probe, before, rtol=0, atol=TOLERANCE):
        raise StoreError(
            f"the anchors give another space than when the index was written by version {index.facts.version}; "
            "run `ligature index` again"
        )
    vectors = encode_texts(encoder, texts, layout.study.embed.token_budget)
    return space.texts(np.stack([vectors[text] for text in texts]))
