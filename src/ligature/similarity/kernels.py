"""RBF CKA of a grid of encoders, tile by tile: time O(n^2 d), memory O(tile^2)."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ligature.similarity.features import Features, centred_pair
from ligature.similarity.moments import normalised
from ligature.similarity.tiles import upper_tiles

MEDIAN_ROWS = 5000
CENTRE = math.exp(-0.5)


def rbf_cka(x: Features, y: Features, *, seed: int, median_rows: int = MEDIAN_ROWS) -> float:
    """Returns biased RBF CKA of ``x`` (n x d_x) and ``y`` (n x d_y), kernel ``exp(-|a - b|^2 / (2 sigma^2))``.

    sigma^2 is the median of the non-zero squared distances, over ``median_rows`` rows drawn with ``seed`` where n is
    larger (Kornblith et al., 2019, arXiv 1905.00414).

    Raises:
        DataError: as ``linear_cka``.
    """
    return float(rbf_cka_matrix(centred_pair(x, y), seed=seed, median_rows=median_rows)[0, 1])


def rbf_cka_matrix(features: Sequence[torch.Tensor], *, seed: int, median_rows: int = MEDIAN_ROWS) -> np.ndarray:
    """Returns biased RBF CKA (encoders x encoders) of all pairs of centred features (n x d each)."""
    widths = [median_squared_distance(values, seed=seed, median_rows=median_rows) for values in features]
    count, rows = len(features), len(features[0])
    products = features[0].new_zeros(count, count, dtype=torch.float64)
    sums = features[0].new_zeros(count, rows, dtype=torch.float64)
    for first, second in upper_tiles(rows):
        kernels = torch.stack(
            [_kernel(values, first, second, width) for values, width in zip(features, widths, strict=True)]
        )
        flat = kernels.flatten(start_dim=1)
        sums[:, first] += kernels.sum(dim=2)
        if first == second:
            products += flat @ flat.T
        else:
            products += 2 * (flat @ flat.T)
            sums[:, second] += kernels.sum(dim=1)
    totals = sums.sum(dim=1)
    hsic = products - 2 / rows * sums @ sums.T + torch.outer(totals, totals) / rows**2
    own = hsic.diagonal()
    return normalised(hsic, own[:, None], own[None, :]).cpu().numpy()


def _kernel(features: torch.Tensor, first: slice, second: slice, width: float) -> torch.Tensor:
    """Returns a float64 kernel tile less a constant, which centring removes and which keeps the sums small."""
    distances = squared_distances(features[first], features[second])
    if first == second:
        distances.fill_diagonal_(0)
    return (distances / (-2 * width)).exp().double() - CENTRE


def squared_distances(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Returns squared Euclidean distances (m x k) between the rows of ``left`` (m x d) and ``right`` (k x d)."""
    norms = left.square().sum(dim=1)[:, None] + right.square().sum(dim=1)[None, :]
    return torch.addmm(norms, left, right.T, alpha=-2).clamp_(min=0)


def median_squared_distance(features: torch.Tensor, *, seed: int, median_rows: int = MEDIAN_ROWS) -> float:
    """Returns the median of the non-zero squared distances between rows, or between a seeded subsample of them."""
    rows = len(features)
    if rows > median_rows:
        chosen = np.sort(np.random.default_rng(seed).choice(rows, median_rows, replace=False))
        features = features[torch.from_numpy(chosen).to(features.device)]
    rounding = 10 * torch.finfo(features.dtype).eps * float(features.square().sum(dim=1).max())
    found = []
    for first, second in upper_tiles(len(features)):
        distances = squared_distances(features[first], features[second])
        if first == second:
            distances = distances[torch.triu(torch.ones_like(distances, dtype=torch.bool), diagonal=1)]
        found.append(distances[distances > rounding].cpu().numpy().ravel())
    return float(np.median(np.concatenate(found)))
