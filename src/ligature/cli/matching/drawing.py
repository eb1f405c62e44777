"""Draws of anchors and queries: functions of the seed and of the pools, the same for every method."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ligature.cli.matching.grid import Point
from ligature.cli.matching.pools import Pools
from ligature.errors import DataError
from ligature.matching.selection import cluster_base, random_base
from ligature.params.matching import MatchingExperiment
from ligature.progress import say

QUERIES = 1
"""Stands beside the seed of a draw of queries, so that it is no draw of anchors."""
FEWEST = 2


@dataclass(frozen=True)
class Queries:
    """One draw of queries.

    Attributes:
        rows: [q] images of the query pool that ask or, with direction t2i, whose texts ask.
        gallery: [p] rows of the other side among which the answer is.
        truth: [q] true candidate of every query, a place in ``gallery``.
    """

    rows: np.ndarray
    gallery: np.ndarray
    truth: np.ndarray


class Draws:
    """The draws of one experiment; what k-means chose serves every text encoder, stretch and direction."""

    def __init__(self, name: str, experiment: MatchingExperiment) -> None:
        """Starts with no draw.

        Args:
            name: of the experiment.
            experiment: its parameters.
        """
        self.name, self.experiment = name, experiment
        self._clusters: dict[tuple[str, int, int], np.ndarray] = {}
        self._said: set[str] = set()

    def anchors(self, pools: Pools, point: Point, seed: int) -> np.ndarray:
        """Returns the anchors of one draw, [base_size] rows of the base pool in ascending order.

        Random anchors of one draw are nested: a smaller base is part of a larger one.

        Raises:
            DataError: the pool has fewer images.
        """
        pool, size = pools.base, point.base_size
        if size > len(pool.ids):
            raise DataError(
                f"matching.experiments.{self.name}.base_sizes: {size} anchors, but {self.experiment.base!r} has "
                f"{len(pool.ids):,} images with captions"
            )
        if point.selection == "random":
            return random_base(len(pool.ids), size, seed)
        side = "images" if point.selection == "image-clusters" else "texts"
        key = (pool.digests[side], size, seed)
        if key not in self._clusters:
            self._clusters[key] = cluster_base(getattr(pool, side), size, seed)
        return self._clusters[key]

    def queries(self, pools: Pools, anchors: np.ndarray, seed: int) -> Queries:
        """Draws queries among the images that are no anchors.

        The pool is permuted by the seed alone, and anchors are passed over; so draws of one seed differ between bases
        only where they must. True candidates do not stand on the diagonal, where ties would favour them.

        Raises:
            DataError: too few images are left.
        """
        pool, count = pools.query, self._count(pools, len(anchors))
        generator = np.random.default_rng([seed, QUERIES])
        order = generator.permutation(len(pool.ids))
        if self._one_set:
            order = order[~pd.Index(pool.ids[order]).isin(pools.base.ids[anchors])]
        rows = order[:count]
        if pool.labels is not None:
            return Queries(rows, np.arange(len(pool.texts)), pool.labels[rows])
        places = generator.permutation(count)
        return Queries(rows, rows[places], np.argsort(places))

    @property
    def _one_set(self) -> bool:
        return self.experiment.base == self.experiment.query

    def _count(self, pools: Pools, size: int) -> int:
        """Returns the number of queries of a draw: as many as are asked for, or as are left beside any base."""
        key, asked = f"matching.experiments.{self.name}", self.experiment.queries
        shared = np.isin(pools.query.ids, pools.base.ids).sum() if self._one_set else 0
        left = len(pools.query.ids) - min(size, int(shared))
        if left < FEWEST:
            raise DataError(
                f"{key}.base_sizes: {size} anchors leave {left} of {len(pools.query.ids):,} images to match"
            )
        if asked is not None and asked > left:
            self._say_once(f"{key}: {asked} queries are asked for, {left} are left beside {size} anchors")
        count = left if asked is None else min(left, asked)
        candidates = count if pools.query.labels is None else len(pools.query.texts)
        if self.experiment.csls is not None and self.experiment.csls > min(count, candidates):
            raise DataError(
                f"{key}.csls: {self.experiment.csls} neighbours, but there are {count} queries and {candidates} "
                "candidates; give fewer"
            )
        return count

    def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            say(message)
