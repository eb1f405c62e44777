"""Sample matches of an experiment, for the page: what a few queries of its first cell were matched to."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ligature.cli.matching.cells import Views, fit_methods
from ligature.cli.matching.drawing import Draws
from ligature.cli.matching.grid import grid_points
from ligature.cli.matching.pools import Pool, load_pools
from ligature.data import open_dataset
from ligature.params.datasets import kind_of
from ligature.params.matching import QAP_METHODS, MatchingExperiment, Method
from ligature.store import Layout

SAMPLES = 2
"""Stands beside the seed of the choice of samples, so that it is no other draw."""


def shown_method(methods: Sequence[Method]) -> Method:
    """Returns the method whose matches are shown: local CKA, or the first that scores, or the first."""
    if "local-cka-rbf" in methods:
        return "local-cka-rbf"
    return next((method for method in methods if method not in QAP_METHODS), methods[0])


def sample_matches(layout: Layout, name: str, experiment: MatchingExperiment, samples: int) -> list[dict[str, Any]]:
    """Returns a few queries of the first cell with what they were matched to, chosen by seed and not by success.

    A pair of an image and a text is shown in the same way whichever side asks. Of averaged captions the first is shown.

    Args:
        layout: of the study.
        name: of the experiment.
        experiment: its parameters.
        samples: number of queries.

    Returns:
        One entry with its ``pairs``; none where the query set has class names, or no sample is asked for.
    """
    if kind_of(layout.study.datasets[experiment.query]) == "classes" or samples == 0:
        return []
    point, method = next(grid_points(experiment)), shown_method(experiment.methods)
    pools, draws = load_pools(layout, experiment, point), Draws(name, experiment)
    anchors = draws.anchors(pools, point, experiment.seed)
    queries = draws.queries(pools, anchors, experiment.seed)
    views = Views(pools, point, anchors)
    matched = queries.gallery[fit_methods(views, [method])[method].match(*views.queries(queries))]
    chosen = np.random.default_rng([experiment.seed, SAMPLES]).permutation(len(matched))[:samples]
    images, texts = queries.rows[chosen], matched[chosen]
    if point.direction == "t2i":
        images, texts = texts, images
    facts = {"vision": point.vision, "text": point.text, "method": method, "base_size": point.base_size}
    entry = {"experiment": name, "dataset": experiment.query, **facts, "direction": point.direction}
    return [entry | {"pairs": _pairs(layout, experiment.query, pools.query, images, texts)}]


def _pairs(
    layout: Layout, dataset: str, pool: Pool, images: np.ndarray, texts: np.ndarray
) -> list[dict[str, str | bool]]:
    path_of_id = dict(open_dataset(layout, dataset).images[["id", "path"]].itertuples(index=False))
    return [
        {
            "image": path_of_id[pool.ids[image]],
            "caption": pool.captions[text],
            "truth": pool.captions[image],
            "correct": bool(image == text),
        }
        for image, text in zip(images, texts, strict=True)
    ]
