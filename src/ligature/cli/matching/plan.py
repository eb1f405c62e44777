"""What an experiment computes, block by block, and under which key a finished block is found again."""

from dataclasses import asdict, dataclass

from ligature.cli.features import open_store
from ligature.cli.matching.grid import Point, grid_points
from ligature.errors import ParamsError
from ligature.params.matching import MatchingExperiment
from ligature.store import Layout
from ligature.store.hashing import hash_strings, hash_values
from ligature.store.reader import require_encoder

CELL_FORMAT = 1
"""Raise it when a change of the code changes the rows of a cell: finished cells of earlier code are not read."""


@dataclass(frozen=True)
class Block:
    """One point of the grid with one draw of the anchors: its methods learn once, for all draws of the queries.

    Attributes:
        point: of the grid.
        base_seed: of the draw of the anchors.
        key: hash of everything that its rows depend on.
    """

    point: Point
    base_seed: int
    key: str


def query_seeds(experiment: MatchingExperiment) -> list[int]:
    """Returns the seeds of the draws of queries."""
    return [experiment.seed + draw for draw in range(experiment.query_draws)]


def plan_blocks(layout: Layout, name: str, experiment: MatchingExperiment) -> list[Block]:
    """Returns the blocks of an experiment in their order; only the manifests of stores are read.

    Raises:
        StoreError: when a store is missing, or an encoder embedded base and queries in two revisions.
        ParamsError: for ``cosine`` between encoders of unequal width.
    """
    contents = {encoder: _content(layout, experiment, encoder) for encoder in [*experiment.vision, *experiment.text]}
    if "cosine" in experiment.methods:
        _require_equal_widths(layout, name, experiment)
    shared = [CELL_FORMAT, name, layout.study.datasets[experiment.query].split]
    values = experiment.model_dump(
        include={"base", "query", "methods", "queries", "query_draws", "seed", "csls", "base_language"}
    )

    def block(point: Point, seed: int) -> Block:
        stores = [contents[point.vision], contents[point.text]]
        return Block(point, seed, hash_values([*shared, values, asdict(point), seed, stores]))

    seeds = range(experiment.seed, experiment.seed + experiment.base_draws)
    return [block(point, seed) for point in grid_points(experiment) for seed in seeds]


def _content(layout: Layout, experiment: MatchingExperiment, encoder: str) -> str:
    """Returns a hash of the embeddings of base and queries under one encoder."""
    base, query = (open_store(layout, encoder, dataset) for dataset in (experiment.base, experiment.query))
    require_encoder(query, base.encoder, base.folders[0])
    manifests = [*base.manifests, *query.manifests]
    return hash_strings(
        text for manifest in manifests for text in (manifest.ids_hash, *(shard.sha256 for shard in manifest.shards))
    )


def _require_equal_widths(layout: Layout, name: str, experiment: MatchingExperiment) -> None:
    widths = {
        encoder: open_store(layout, encoder, experiment.base).dims for encoder in [*experiment.vision, *experiment.text]
    }
    for vision in experiment.vision:
        for text in experiment.text:
            if widths[vision] != widths[text]:
                raise ParamsError(
                    f"matching.experiments.{name}.methods: 'cosine' compares vectors of the same space, but {vision!r} "
                    f"has {widths[vision]} dimensions and {text!r} {widths[text]}; remove it or choose encoders "
                    "that are aligned"
                )
