"""Permutation null of debiased linear CKA: what chance gives to a pair of this size, width and spectrum."""

from typing import NamedTuple

import numpy as np
import torch

from ligature.similarity.features import Features, centred_pair
from ligature.similarity.moments import augment, linear_hsic, moments, normalised, self_hsic


class NullSummary(NamedTuple):
    """Where an observed value stands in its null: mean, deviation, z score and one-sided p value."""

    mean: float
    sd: float
    z: float
    p: float


def permutation_null(x: Features, y: Features, *, draws: int, seed: int) -> np.ndarray:
    """Returns debiased linear CKA (draws,) of ``x`` (n x d_x) with ``draws`` random row orders of ``y`` (n x d_y).

    The same seed and n give the same orders for every pair.

    Raises:
        DataError: as ``linear_cka``.
    """
    return null_values(*centred_pair(x, y), draws=draws, seed=seed)


def null_values(left: torch.Tensor, right: torch.Tensor, *, draws: int, seed: int) -> np.ndarray:
    """Returns the null (draws,) of centred features; only the cross term changes, at 2 n d_x d_y a draw."""
    generator = np.random.default_rng(seed)
    left, right = augment(left), augment(right)
    own = [self_hsic(moments(m, m), m.dtype).debiased for m in (left, right)]
    values = []
    for _ in range(draws):
        order = torch.from_numpy(generator.permutation(len(right))).to(right.device)
        cross = linear_hsic(moments(left, right.index_select(0, order))).debiased
        values.append(float(normalised(cross, *own)))
    return np.array(values)


def null_summary(observed: float, null: np.ndarray) -> NullSummary:
    """Returns mean and deviation of ``null``, the z score of ``observed``, and ``(1 + count) / (1 + draws)``.

    All are NaN for fewer than two draws.
    """
    if len(null) < 2 or not np.isfinite(observed):
        return NullSummary(*[float("nan")] * 4)
    mean, sd = float(null.mean()), float(null.std(ddof=1))
    p = (1 + int((null >= observed).sum())) / (1 + len(null))
    return NullSummary(mean, sd, (observed - mean) / sd if sd > 0 else float("nan"), p)
