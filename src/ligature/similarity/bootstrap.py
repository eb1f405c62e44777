"""Bootstrap interval of debiased linear CKA, with pairs of copies of one row left out.

A resample draws rows with multiplicities w. Were copies treated as different rows, each would agree with itself and
inflate the estimate. Here the U-statistic runs over tuples of *distinct* rows, each weighted by the product of its
multiplicities; with every w = 1 it is HSIC_1. With K and L of zero diagonal, k = Kw, l = Lw, p_m = sum w^m and all
sums over rows:

    pairs      s = sum w_i w_j K_ij L_ij                                    of weight  p1^2 - p2
    triples    sum w_i k_i l_i - sum w_i w_j^2 K_ij L_ij                    of weight  p1^3 - 3 p1 p2 + 2 p3
    quadruples (w'k)(w'l) - 4 sum w_i^2 k_i l_i + 2 sum w_i^2 w_j^2 K_ij L_ij
               of weight  p1^4 - 6 p1^2 p2 + 8 p1 p3 + 3 p2^2 - 6 p4
    HSIC = pairs + quadruples - 2 triples, each divided by its weight.

Every draw is a quadratic form in the same K o L, so the tiles are computed once for all draws:
O(n^2 (d + draws)) instead of O(n d^2 draws) for weighted feature-space products, and memory O(tile^2).
"""

from collections.abc import Sequence

import numpy as np
import torch

from ligature.similarity.features import Features, centred_pair
from ligature.similarity.moments import normalised
from ligature.similarity.tiles import row_tiles, upper_tiles

Pair = tuple[int, int]


def bootstrap_interval(
    x: Features, y: Features, *, draws: int, seed: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Returns the percentile interval of debiased linear CKA over ``draws`` resamples of the rows.

    Raises:
        DataError: as ``linear_cka``.
    """
    values = bootstrap_values(centred_pair(x, y), [(0, 1)], draws=draws, seed=seed)
    return percentile_interval(values[0, 1], confidence)


def bootstrap_values(
    features: Sequence[torch.Tensor], pairs: Sequence[Pair], *, draws: int, seed: int
) -> dict[Pair, np.ndarray]:
    """Returns debiased CKA (draws,) of each pair of centred features, every pair from the same resamples."""
    rows = len(features[0])
    counts = np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), size=draws)
    weights = torch.from_numpy(counts.T.copy()).to(features[0])
    own = [(index, index) for index in sorted({index for pair in pairs for index in pair})]
    hsic = weighted_hsic(features, [*own, *pairs], weights)
    return {(i, j): normalised(hsic[i, j], hsic[i, i], hsic[j, j]).cpu().numpy() for i, j in pairs}


def percentile_interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Returns the central ``confidence`` interval of the finite ``values``, NaN where there is none.

    A resample of very few distinct rows has no debiased estimate and is passed over.
    """
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def weighted_hsic(
    features: Sequence[torch.Tensor], pairs: Sequence[Pair], weights: torch.Tensor
) -> dict[Pair, torch.Tensor]:
    """Returns HSIC_1 (draws,) of each pair of features (n x d) under row ``weights`` (n x draws).

    NaN where fewer than four distinct rows were drawn.
    """
    overlaps = _overlaps(features, pairs, weights)
    rows, totals = _row_products(features, pairs, weights)
    p1, p2, p3, p4 = ((weights.double() ** power).sum(dim=0) for power in (1, 2, 3, 4))
    of_two = p1**2 - p2
    of_three = p1**3 - 3 * p1 * p2 + 2 * p3
    of_four = p1**4 - 6 * p1**2 * p2 + 8 * p1 * p3 + 3 * p2**2 - 6 * p4
    hsic = {}
    for pair in pairs:
        (s11, s12, s22), (r1, r2) = overlaps[pair], rows[pair]
        quadruples = totals[pair[0]] * totals[pair[1]] - 4 * r2 + 2 * s22
        value = s11 / of_two + quadruples / of_four - 2 * (r1 - s12) / of_three
        hsic[pair] = torch.where(of_four > 0.5, value, torch.nan)
    return hsic


def _overlaps(
    features: Sequence[torch.Tensor], pairs: Sequence[Pair], weights: torch.Tensor
) -> dict[Pair, torch.Tensor]:
    """Returns (3 x draws) a pair: sums of w_i w_j, w_i w_j^2 and w_i^2 w_j^2 times K_ij L_ij over i != j."""
    draws = weights.shape[1]
    both = torch.cat([weights, weights.square()], dim=1)
    sums = {pair: weights.new_zeros(3, draws, dtype=torch.float64) for pair in pairs}
    for rows, columns in upper_tiles(len(weights)):
        grams = [values[rows] @ values[columns].T for values in features]
        if rows == columns:
            for gram in grams:
                gram.fill_diagonal_(0)
        sides = 1 if rows == columns else 2
        for i, j in pairs:
            once, squared = ((grams[i] * grams[j]) @ both[columns]).tensor_split(2, dim=1)
            sums[i, j][0] += sides * _total(weights[rows] * once)
            sums[i, j][1] += _total(weights[rows] * squared)
            if sides == 2:
                sums[i, j][1] += _total(both[rows, draws:] * once)
            sums[i, j][2] += sides * _total(both[rows, draws:] * squared)
    return sums


def _row_products(
    features: Sequence[torch.Tensor], pairs: Sequence[Pair], weights: torch.Tensor
) -> tuple[dict[Pair, torch.Tensor], list[torch.Tensor]]:
    """Returns (2 x draws) a pair, sums of w_i k_i l_i and w_i^2 k_i l_i, and w'k (draws,) of each encoder."""
    draws = weights.shape[1]
    sums = {pair: weights.new_zeros(2, draws, dtype=torch.float64) for pair in pairs}
    totals = [weights.new_zeros(draws, dtype=torch.float64) for _ in features]
    projected = [values.T @ weights for values in features]
    for rows in row_tiles(len(weights)):
        weight = weights[rows]
        margins = [
            values[rows] @ sums_of_rows - values[rows].square().sum(dim=1, keepdim=True) * weight
            for values, sums_of_rows in zip(features, projected, strict=True)
        ]
        for total, margin in zip(totals, margins, strict=True):
            total += _total(weight * margin)
        for i, j in pairs:
            product = weight * margins[i] * margins[j]
            sums[i, j] += torch.stack([_total(product), _total(weight * product)])
    return sums, totals


def _total(values: torch.Tensor) -> torch.Tensor:
    return values.sum(dim=0, dtype=torch.float64)
