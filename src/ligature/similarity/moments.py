"""Second moments of a pair of encoders, and linear HSIC from them, biased and debiased.

A chunk of features x (m x d) is augmented to [x, |x|^2, 1]. The product of two augmented chunks, summed over
chunks, then holds everything either estimator needs: X'Y, sum |y|^2 x, sum x, sum |x|^2 |y|^2, the traces of both
Gram matrices, and n. No matrix of n x n ever exists.
"""

from typing import NamedTuple

import torch

from ligature.similarity.tiles import row_tiles

COLUMN_BLOCK = 128
ALIGNMENT = 16


class LinearHSIC(NamedTuple):
    """Linear HSIC of one pair in both forms, float64 scalars."""

    biased: torch.Tensor
    debiased: torch.Tensor


def augment(features: torch.Tensor, shift: torch.Tensor | float = 0.0) -> torch.Tensor:
    """Returns ``[x, 0, |x|^2, 1]`` for x = ``features - shift`` (m x d).

    Zero columns round the width up to a multiple of ``ALIGNMENT``: products are up to a fifth faster, sums the same.
    """
    rows, dimensions = features.shape
    augmented = features.new_zeros(rows, -(-(dimensions + 2) // ALIGNMENT) * ALIGNMENT)
    shifted = torch.sub(features, shift, out=augmented[:, :dimensions])
    augmented[:, -2] = shifted.square().sum(dim=1)
    augmented[:, -1] = 1
    return augmented


def moments(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Returns the float64 product of two augmented chunks; of one with itself at little over half the cost."""
    product = _self_product(left) if left is right else left.T @ right
    return product.double()


def _self_product(features: torch.Tensor) -> torch.Tensor:
    columns = features.shape[1]
    product = features.new_empty(columns, columns)
    for block in row_tiles(columns, COLUMN_BLOCK):
        product[block, block.start :] = features[:, block].T @ features[:, block.start :]
        product[block.stop :, block] = product[block, block.stop :].T
    return product


def linear_hsic(moments: torch.Tensor) -> LinearHSIC:
    """Returns linear HSIC from the moments of a pair.

    Biased: ``||Xc' Yc||_F^2 / n^2`` (Kornblith et al., 2019, arXiv 1905.00414). Debiased: the U-statistic HSIC_1
    of Song et al. (2012, JMLR 13), as used for CKA by Nguyen et al. (2021, arXiv 2010.15327).
    """
    product, n = moments[:-2, :-2], moments[-1, -1]
    left_sum, right_sum = moments[:-2, -1], moments[-1, :-2]
    left_trace, right_trace, norms = moments[-2, -1], moments[-1, -2], moments[-2, -2]
    overlap = product.square().sum()
    sums = left_sum @ product @ right_sum
    left_total, right_total = left_sum.square().sum(), right_sum.square().sum()
    biased = (overlap - 2 * sums / n + left_total * right_total / n**2) / n**2
    rows = sums - left_sum @ moments[:-2, -2] - right_sum @ moments[-2, :-2] + norms
    totals = (left_total - left_trace) * (right_total - right_trace)
    debiased = (overlap - norms + totals / ((n - 1) * (n - 2)) - 2 * rows / (n - 2)) / (n * (n - 3))
    return LinearHSIC(biased, debiased)


def self_hsic(moments: torch.Tensor, precision: torch.dtype) -> LinearHSIC:
    """Returns linear HSIC of an encoder with itself; a debiased value that is only rounding becomes zero."""
    biased, debiased = linear_hsic(moments)
    rounding = 10 * torch.finfo(precision).eps * biased
    return LinearHSIC(biased, torch.where(debiased > rounding, debiased, 0.0))


def variance(moments: torch.Tensor) -> float:
    """Returns the total variance over dimensions from an encoder's moments with itself."""
    n, total = moments[-1, -1], moments[:-2, -1]
    return float((moments[-2, -1] - total.square().sum() / n) / n)


def normalised(cross: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Returns ``cross / sqrt(left * right)``: CKA from HSIC, and NaN where a self-term is not positive."""
    return cross / torch.where((left > 0) & (right > 0), left * right, torch.nan).sqrt()
