"""The pools of an experiment: the images and texts from which anchors and queries are drawn."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ligature.cli.features import image_features, load_captioned, open_store, own_rows
from ligature.cli.matching.grid import Point
from ligature.cli.pairs import caption_means
from ligature.cli.pictures import pooled_vectors
from ligature.errors import DataError
from ligature.matching.stretching import dimension_scales
from ligature.params.datasets import kind_of
from ligature.params.matching import Captions, MatchingExperiment
from ligature.progress import say
from ligature.store import EmbeddingStore, Layout


@dataclass(frozen=True)
class Pool:
    """A data set under one pair of encoders, one row an image.

    Attributes:
        images: [n, d_v] features of the images.
        texts: [n, d_t] one text an image; with class names [c, d_t], one text a class.
        ids: [n] of the images.
        captions: [n] first caption of every image; none with class names.
        labels: [n] class of every image, a row of ``texts``; None where every image has a text of its own.
    """

    images: np.ndarray
    texts: np.ndarray
    ids: np.ndarray
    captions: list[str]
    labels: np.ndarray | None = None

    @cached_property
    def digests(self) -> dict[str, str]:
        """Hashes of the features of both sides."""
        sides = {"images": self.images, "texts": self.texts}
        return {side: hashlib.sha256(np.ascontiguousarray(values)).hexdigest() for side, values in sides.items()}


@dataclass(frozen=True)
class Pools:
    """The pools of anchors and queries, the same one where the data set and its texts are."""

    base: Pool
    query: Pool

    @cached_property
    def scales(self) -> dict[str, np.ndarray]:
        """Inverse deviations of both sides over both pools, all of them, as published: it looks at all queries."""
        pools = [self.base] if self.base is self.query else [self.base, self.query]
        return {
            side: dimension_scales(np.concatenate([np.asarray(getattr(pool, side), np.float64) for pool in pools]))
            for side in ("images", "texts")
        }


def load_pools(layout: Layout, experiment: MatchingExperiment, point: Point) -> Pools:
    """Loads what a point of the grid draws from."""
    encoders, captions = (layout, point.vision, point.text), point.captions
    base_language = point.language if experiment.base_language == "query" else ""
    base = captioned_pool(*encoders, experiment.base, base_language, captions)
    if kind_of(layout.study.datasets[experiment.query]) == "classes":
        return Pools(base, class_pool(*encoders, experiment.query))
    if (experiment.query, point.language) == (experiment.base, base_language):
        return Pools(base, base)
    return Pools(base, captioned_pool(*encoders, experiment.query, point.language, captions))


def captioned_pool(
    layout: Layout, vision: str, text: str, dataset: str, language: str = "", captions: Captions = "averaged"
) -> Pool:
    """Loads the images of a data set that have a caption; the text of each is the mean of its captions, or the first.

    The mean is not brought back to unit length, as published.

    Raises:
        StoreError: when the stores do not belong together, or there is no text of the language.
    """
    data = load_captioned(layout, vision, text, dataset, variant=language)
    rows, first = np.unique(data.image_of_text, return_index=True)
    if len(rows) < len(data.images):
        say(f"{dataset}: {len(data.images) - len(rows):,} images without a caption are left out")
    if captions == "single":
        texts = data.texts[first]
    else:
        texts = caption_means(data.texts, data.image_of_text, len(data.images))[rows]
    ids = np.array(data.image_ids)[rows]
    return Pool(pooled_vectors(data.images)[rows], texts, ids, [data.captions[row] for row in first])


def class_pool(layout: Layout, vision: str, text: str, dataset: str) -> Pool:
    """Loads the images of a labelled data set; the text of a class is the mean of the unit vectors of its prompts.

    Only the prompts of the main templates count.
    """
    images, prompts = open_store(layout, vision, dataset), open_store(layout, text, dataset)
    table, rows = images.metadata(), own_rows(prompts)
    vectors = np.asarray(prompts.vectors()[rows], np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    class_of_prompt = prompts.metadata()["label"].to_numpy()[rows]
    classes = caption_means(vectors, class_of_prompt, int(class_of_prompt.max()) + 1)
    labels = table["label"].to_numpy()
    return Pool(pooled_vectors(image_features(images)), classes, table["id"].to_numpy(str), [], labels)


def check_disjoint(layout: Layout, name: str, experiment: MatchingExperiment) -> None:
    """Checks that no image of the base stands under another name in a query set of another name.

    Images are the same where their files are, or where they have the same features under the first vision encoder.

    Raises:
        DataError: naming both data sets and an image.
    """
    if experiment.base == experiment.query:
        return
    base, query = (
        _fingerprints(open_store(layout, experiment.vision[0], dataset))
        for dataset in (experiment.base, experiment.query)
    )
    shared = next((fingerprint for fingerprint in query if fingerprint in base), None)
    if shared is not None:
        raise DataError(
            f"matching.experiments.{name}: base {experiment.base!r} and query {experiment.query!r} share images: "
            f"{base[shared]!r} is {query[shared]!r}; choose a base without the images of the queries"
        )


def _fingerprints(store: EmbeddingStore) -> dict[bytes | str, str]:
    """Returns the id of an image by the hash of its file and by the hash of its features."""
    table = store.metadata()
    features = [hashlib.sha256(vector.tobytes()).digest() for vector in store.vectors()]
    return dict(zip([*features, *table["sha256"]], [*table["id"], *table["id"]], strict=True))
