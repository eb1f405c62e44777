"""Measuring a block: one point of the grid with one draw of the anchors, and all draws of the queries."""

from collections.abc import Iterator

import numpy as np

from ligature.cli.matching.drawing import Queries
from ligature.cli.matching.grid import Point
from ligature.cli.matching.pools import Pool, Pools
from ligature.evaluation import chance_top_k
from ligature.matching.assignment import assign, matching_accuracy
from ligature.matching.csls import csls
from ligature.matching.matcher import Matcher
from ligature.matching.methods import make_matcher
from ligature.matching.qap import SeededQAP, normalised_gram
from ligature.matching.ranking import top_k_accuracy
from ligature.matching.stretching import dimension_scales
from ligature.params.matching import Method

KS = (1, 5, 10)
CHANCE = "chance"

Measured = tuple[str, str, str, float]
"""Model, post-processing, metric and value."""


class Views:
    """Features of a point's pools as the methods see them: turned, so that x asks, and scaled."""

    def __init__(self, pools: Pools, point: Point, anchors: np.ndarray) -> None:
        """Measures the scales.

        Args:
            pools: of the point.
            point: of the grid.
            anchors: [m] rows of the base pool.
        """
        self.pools, self.sides, self.anchors = pools, point.sides, anchors
        if point.stretch == "transductive":
            self._scales = pools.scales
        elif point.stretch == "base":
            self._scales = {side: dimension_scales(getattr(pools.base, side)[anchors]) for side in point.sides}
        else:
            self._scales = dict.fromkeys(point.sides, 1.0)

    def base(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the anchors on the side of x and on that of y, [m, d] float64 each."""
        x, y = self.sides
        return self._of(self.pools.base, x, self.anchors), self._of(self.pools.base, y, self.anchors)

    def queries(self, queries: Queries) -> tuple[np.ndarray, np.ndarray]:
        """Returns the queries, [q, d_x], and the gallery, [p, d_y], float64."""
        x, y = self.sides
        return self._of(self.pools.query, x, queries.rows), self._of(self.pools.query, y, queries.gallery)

    def _of(self, pool: Pool, side: str, rows: np.ndarray) -> np.ndarray:
        return np.asarray(getattr(pool, side)[rows], np.float64) * self._scales[side]


def fit_methods(views: Views, methods: list[Method]) -> dict[Method, Matcher | SeededQAP]:
    """Returns the methods, learnt from the anchors."""
    base = views.base()
    return {method: make_matcher(method).fit(*base) for method in methods}


def measure_cell(
    fitted: dict[Method, Matcher | SeededQAP], views: Views, queries: Queries, neighbours: int | None
) -> Iterator[Measured]:
    """Yields what all methods reach on one draw of queries, and chance.

    Args:
        fitted: methods by name.
        views: features of the pools.
        queries: the draw.
        neighbours: of the correction of hubs; None for none.
    """
    x, y = views.queries(queries)
    truth, paired = queries.truth, views.pools.query.labels is None
    for name, method in fitted.items():
        if isinstance(method, Matcher):
            scores = method.score(x, y)
            of_post = {"": scores} | ({} if neighbours is None else {"csls": csls(scores, neighbours)})
            accuracy = matching_accuracy(assign(scores), truth) if paired else None
            for post, values in of_post.items():
                yield from ((name, post, metric, value) for metric, value in _of_scores(values, truth, accuracy))
        else:
            yield from ((name, "", metric, value) for metric, value in _of_permutation(method, x, y, truth))
    yield from ((CHANCE, "", metric, value) for metric, value in _of_chance(len(queries.gallery), paired))


def _of_scores(scores: np.ndarray, truth: np.ndarray, accuracy: float | None) -> Iterator[tuple[str, float]]:
    """Yields what scores reach; the accuracy of the assignment is given, since CSLS cannot change it."""
    if accuracy is not None:
        yield "matching_accuracy", accuracy
    yield from top_k_accuracy(scores, truth, KS).items()


def _of_permutation(method: SeededQAP, x: np.ndarray, y: np.ndarray, truth: np.ndarray) -> Iterator[tuple[str, float]]:
    found = method.match(x, y)
    yield "matching_accuracy", matching_accuracy(found, truth)
    yield "objective", found.objective
    yield "seed_objective", found.seed_objective
    yield "true_objective", objective_of(method, x, y, truth)


def objective_of(method: SeededQAP, x: np.ndarray, y: np.ndarray, columns: np.ndarray) -> float:
    """Returns the objective that a fitted method gives a one-to-one matching: the CKA of anchors and matched pairs.

    Args:
        method: fitted.
        x: [q, d_x] queries.
        y: [q, d_y] candidates, as many.
        columns: [q] candidate of every query.
    """
    gram_x = normalised_gram(np.concatenate([method.base_x_, x]), method.kernel, "anchors and queries")
    gram_y = normalised_gram(np.concatenate([method.base_y_, y]), method.kernel, "anchors and candidates")
    anchors = len(method.base_x_)
    order = np.concatenate([np.arange(anchors), anchors + columns])
    return float(np.vdot(gram_x, gram_y[np.ix_(order, order)]))


def _of_chance(candidates: int, paired: bool) -> Iterator[tuple[str, float]]:
    if paired:
        yield "matching_accuracy", chance_top_k(1, candidates)
    yield from ((f"top{k}", chance_top_k(k, candidates)) for k in KS if k <= candidates)
