"""Plain computations of what experiments of matching measure, from what was put into the stores."""

import numpy as np
import pandas as pd
from matching_stores import image_ids
from scipy.optimize import linear_sum_assignment

from ligature.cli.matching.drawing import Draws
from ligature.cli.matching.grid import grid_points
from ligature.cli.matching.pools import load_pools
from ligature.params.matching import MatchingExperiment

PAIR = {"base": "anchors", "query": "queries", "vision": ["pixels"], "text": ["bag-of-words"]}
SMALL = {"base_sizes": [20], "queries": 25, "base_draws": 2, "query_draws": 2}


def pools_of(study, **changes):
    """Returns pools, first point and draws of an experiment."""
    experiment = MatchingExperiment(**(PAIR | SMALL | {"methods": ["relative"]} | changes))
    point = next(grid_points(experiment))
    return load_pools(study.layout(), experiment, point), point, Draws("test", experiment)


def plain_features(study, dataset: str, *, single: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Returns images with captions and their mean or first own caption, from what was put into the stores."""
    texts, vectors = study.texts[dataset], study.features["bag-of-words", dataset].astype(np.float64)
    rows = [np.flatnonzero((texts["image_id"] == name) & (texts["variant"] == "")) for name in image_ids(dataset)]
    images = study.features["pixels", dataset].astype(np.float64)[[len(found) > 0 for found in rows]]
    kept = [found[:1] if single else found for found in rows if len(found)]
    return images, np.array([vectors[found].mean(axis=0) for found in kept])


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def relative_scores(base: tuple, query: tuple) -> np.ndarray:
    """Cosines of vectors of cosines to the anchors, as published."""
    x, y = (unit(unit(side) @ unit(anchors).T) for side, anchors in zip(query, base, strict=True))
    return x @ y.T


def plain_metrics(scores: np.ndarray) -> dict[str, float]:
    """Accuracies of scores whose true candidates stand on the diagonal."""
    places = (scores > np.diag(scores)[:, None]).sum(axis=1)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return {"matching_accuracy": (rows == columns).mean()} | {f"top{k}": (places < k).mean() for k in (1, 5, 10)}


def cell(table: pd.DataFrame, **where) -> dict[str, float]:
    """Returns the values of one cell by metric."""
    for column, value in where.items():
        table = table[table[column] == value]
    assert not table["metric"].duplicated().any()
    return table.set_index("metric")["value"].to_dict()


def drawn(study, **changes) -> tuple[np.ndarray, np.ndarray]:
    """Returns anchors and queries of the draws of seed 0, as rows of the images with captions."""
    pools, point, draws = pools_of(study, **changes)
    anchors = draws.anchors(pools, point, 0)
    return anchors, draws.queries(pools, anchors, 0).rows
