"""Every measure of agreement for every pair of a vision and a text encoder, as one table."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
import torch

from ligature.progress import track
from ligature.similarity.bootstrap import bootstrap_values, percentile_interval
from ligature.similarity.features import Features, Key, centred, checked
from ligature.similarity.kernels import MEDIAN_ROWS, rbf_cka_matrix
from ligature.similarity.linear import CHUNK_ROWS, LinearCKA, StreamingCKA
from ligature.similarity.neighbours import nearest, neighbour_overlap
from ligature.similarity.permutation import null_summary, null_values
from ligature.similarity.tiles import row_tiles


def similarity_grid(
    vision: Mapping[str, Features],
    text: Mapping[str, Features],
    *,
    seed: int,
    permutations: int,
    bootstraps: int,
    confidence: float = 0.95,
    neighbours: int = 10,
    median_rows: int = MEDIAN_ROWS,
    device: torch.device | str | None = None,
) -> pd.DataFrame:
    """Returns one row a pair: linear CKA with its interval and null, RBF CKA and mutual neighbours.

    Args:
        vision: features (n x d each) by encoder name; row i of every encoder embeds the same image-text pair.
        text: likewise.
        seed: of the permutations, the resamples and the subsample for the width of the RBF kernel.
        permutations: draws of the null of debiased CKA; below two its columns are NaN.
        bootstraps: resamples for the interval of debiased CKA; zero leaves it NaN.
        confidence: of that interval.
        neighbours: of the mutual nearest-neighbour overlap.
        median_rows: the most rows whose distances set the width of the RBF kernel.
        device: where to compute; by default where the features are.

    Returns:
        Columns vision, text, n, vision_dim, text_dim, cka_biased, cka_debiased, cka_ci_low, cka_ci_high,
        cka_null_mean, cka_null_sd, cka_z, cka_p (one-sided), cka_rbf, mutual_knn, in the order of the mappings.

    Raises:
        DataError: for unequal or fewer than four rows, values that are not finite, features that do not vary, or
            not more rows than ``neighbours``.
    """
    features = checked(vision, text, device)
    shared = {key: nearest(values, neighbours) for key, values in features.items()}
    features = {key: centred(values) for key, values in features.items()}
    pairs = list(product(_side(features, "vision"), _side(features, "text")))
    linear = _linear(features)
    intervals = _intervals(features, pairs, bootstraps, seed, confidence)
    rbf = _rbf(features, seed, median_rows)
    records = []
    for v, t in track(pairs, "null of debiased CKA", unit="pairs"):
        null = null_values(features[v], features[t], draws=permutations, seed=seed)
        records.append(
            _sizes(features, v, t)
            | _linear_columns(linear[v[1], t[1]], intervals[v, t], null)
            | {"cka_rbf": rbf[v, t], "mutual_knn": neighbour_overlap(shared[v], shared[t])}
        )
    return pd.DataFrame(records)


def _side(features: dict[Key, torch.Tensor], side: str) -> list[Key]:
    return [key for key in features if key[0] == side]


def _sizes(features: dict[Key, torch.Tensor], v: Key, t: Key) -> dict[str, str | int]:
    (rows, vision_dim), text_dim = features[v].shape, features[t].shape[1]
    return {"vision": v[1], "text": t[1], "n": rows, "vision_dim": vision_dim, "text_dim": text_dim}


def _linear_columns(cka: LinearCKA, interval: tuple[float, float], null: np.ndarray) -> dict[str, float]:
    summary = null_summary(cka.debiased, null)
    return {
        "cka_biased": cka.biased,
        "cka_debiased": cka.debiased,
        "cka_ci_low": interval[0],
        "cka_ci_high": interval[1],
        "cka_null_mean": summary.mean,
        "cka_null_sd": summary.sd,
        "cka_z": summary.z,
        "cka_p": summary.p,
    }


def _linear(features: dict[Key, torch.Tensor]) -> dict[tuple[str, str], LinearCKA]:
    streaming = StreamingCKA()
    for rows in row_tiles(len(next(iter(features.values()))), CHUNK_ROWS):
        vision, text = ({key[1]: features[key][rows] for key in _side(features, side)} for side in ("vision", "text"))
        streaming.update(vision, text)
    return streaming.result()


def _intervals(
    features: dict[Key, torch.Tensor], pairs: list[tuple[Key, Key]], draws: int, seed: int, confidence: float
) -> dict[tuple[Key, Key], tuple[float, float]]:
    if draws == 0:
        return dict.fromkeys(pairs, (float("nan"), float("nan")))
    order = {key: index for index, key in enumerate(features)}
    indices = [(order[v], order[t]) for v, t in pairs]
    values = bootstrap_values(list(features.values()), indices, draws=draws, seed=seed)
    return {pair: percentile_interval(values[index], confidence) for pair, index in zip(pairs, indices, strict=True)}


def _rbf(features: dict[Key, torch.Tensor], seed: int, median_rows: int) -> dict[tuple[Key, Key], float]:
    matrix = rbf_cka_matrix(list(features.values()), seed=seed, median_rows=median_rows)
    keys = list(features)
    return {(v, t): float(matrix[i, j]) for i, v in enumerate(keys) for j, t in enumerate(keys)}
