"""Rows of an experiment: one a cell, method and metric, and their means over draws with intervals."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ligature.cli.matching.cells import CHANCE, Measured
from ligature.cli.matching.grid import Point
from ligature.errors import DataError
from ligature.evaluation import RESULT_COLUMNS
from ligature.matching.draws import Interval, crossed_interval
from ligature.params.matching import MatchingExperiment
from ligature.store.damage import reading

AXES = [
    *("experiment", "base", "query", "vision", "text", "base_size", "queries", "selection", "stretch"),
    *("direction", "captions", "base_language", "post"),
]
SEEDS = ["base_seed", "query_seed"]
SPREAD = ["low", "high", "sd", "draws"]
SEEDWISE_COLUMNS = [*RESULT_COLUMNS, *AXES, *SEEDS]
AVERAGED_COLUMNS = [*RESULT_COLUMNS, *AXES, *SPREAD]
SHARES = ("matching_accuracy", "top1", "top5", "top10")
"""Metrics that are shares of queries; the others are values of an objective."""

_SELECTION = {
    "random": "random anchors",
    "image-clusters": "anchors by clusters of images",
    "text-clusters": "anchors by clusters of texts",
}
_STRETCH = {"none": "", "base": ", stretched by anchors", "transductive": ", stretched by both pools (transductive)"}
_DIRECTION = {"i2t": "image to text", "t2i": "text to image"}


def cell_rows(
    name: str,
    experiment: MatchingExperiment,
    point: Point,
    split: str,
    queries: int,
    seeds: tuple[int, int],
    measured: Iterable[Measured],
) -> list[dict[str, str | int | float]]:
    """Returns the rows of one cell, with the columns ``SEEDWISE_COLUMNS``.

    Args:
        name: of the experiment.
        experiment: its parameters.
        point: of the grid.
        split: of the query set.
        queries: in the draw.
        seeds: of the draws of anchors and queries.
        measured: what was measured.
    """
    axes = {
        "experiment": name,
        "base": experiment.base,
        "query": experiment.query,
        "queries": queries,
        "base_language": experiment.base_language,
        **{axis: getattr(point, axis) for axis in AXES if hasattr(point, axis)},
        **dict(zip(SEEDS, seeds, strict=True)),
    }
    return [
        {
            "task": "matching",
            "dataset": experiment.query,
            "split": split,
            "model": model,
            "protocol": protocol(experiment, point, queries, post),
            "metric": metric,
            "value": value,
            "n": queries,
            "seed": experiment.seed,
            "variant": point.language,
            **axes,
            "post": post,
        }
        for model, post, metric, value in measured
    ]


def protocol(experiment: MatchingExperiment, point: Point, queries: int, post: str) -> str:
    """Returns how a cell was measured, as one line for people."""
    captions = "averaged captions" if point.captions == "averaged" else "first captions"
    corrected = f", CSLS of {experiment.csls} neighbours (transductive)" if post else ""
    return (
        f"{_DIRECTION[point.direction]}, {queries} queries, {point.base_size} {_SELECTION[point.selection]} "
        f"of {experiment.base}, {captions}{_STRETCH[point.stretch]}{corrected}"
    )


def average(seedwise: pd.DataFrame) -> pd.DataFrame:
    """Returns means over draws with 95 % intervals, with the columns ``AVERAGED_COLUMNS``.

    Chance is exact, so its interval is a point.

    Args:
        seedwise: rows of cells; those that differ in their draws alone in the order of base seed, then query seed.
    """
    keys = [column for column in SEEDWISE_COLUMNS if column not in ("value", *SEEDS)]
    rows = []
    for key, cells in seedwise.groupby(keys, sort=False):
        of_group = dict(zip(keys, key, strict=True))
        interval = _interval(cells, of_group)
        spread = {"low": interval.low, "high": interval.high, "sd": interval.sd, "draws": len(cells)}
        rows.append(of_group | {"value": interval.mean} | spread)
    return pd.DataFrame(rows, columns=AVERAGED_COLUMNS)


def _interval(cells: pd.DataFrame, of_group: dict[str, str | int]) -> Interval:
    if of_group["model"] == CHANCE:
        value = float(cells["value"].iloc[0])
        return Interval(value, value, value, 0.0)
    values = cells["value"].to_numpy().reshape(cells["base_seed"].nunique(), -1)
    return crossed_interval(values, of_group["n"], share=of_group["metric"] in SHARES)


def read_table(path: Path, remedy: str) -> pd.DataFrame:
    """Reads a table of rows as it was written, to the last digit; texts that are empty stay texts.

    Raises:
        DataError: when the file is missing, with what to do.
    """
    if not path.is_file():
        raise DataError(f"{path}: missing; {remedy}")
    texts = dict.fromkeys(("dataset", "split", "variant", "post", *AXES[:5]), str)
    unknown = {"low": [""], "high": [""]}
    with reading(path):
        return pd.read_csv(path, keep_default_na=False, na_values=unknown, dtype=texts, float_precision="round_trip")
