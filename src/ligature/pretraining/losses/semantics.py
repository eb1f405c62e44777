"""How far apart captions are in meaning, by vectors of a sentence encoder."""

import torch
from torch import Tensor
from torch.nn import functional

from ligature.errors import DataError
from ligature.training.losses import gather_rows

ROUNDING = 64
"""Distances up to this many units of rounding are those of captions with the same meaning."""


def gather_semantics(semantics: Tensor | None, pairs: int, dtype: torch.dtype) -> Tensor:
    """Returns the semantic vectors of all processes as unit rows [b, s] without gradient.

    Args:
        semantics: [n, s], one vector a caption of this process; s is the same on all.
        pairs: captions of this process.
        dtype: of the result.

    Raises:
        DataError: if there are none, if they are not one a caption, or if one is zero or not finite.
    """
    if semantics is None:
        raise DataError("semantic vectors of the captions are missing: give them, or set rescaling to 'none'")
    if semantics.ndim != 2 or len(semantics) != pairs:
        raise DataError(f"semantic vectors have shape {list(semantics.shape)}: give one a caption, [{pairs}, s]")
    rows, _ = gather_rows(semantics.detach().to(dtype))
    lengths = rows.norm(dim=1, keepdim=True)
    bad = ~(lengths.isfinite() & (lengths > 0)).flatten()
    if bad.any():
        first = bad.nonzero()[0].item()
        raise DataError(f"semantic vectors: row {first} of the batch is zero or not finite; embed the captions again")
    return rows / lengths


def log_distances(distances: Tensor) -> Tensor:
    """Returns the logarithms of semantic distances, in their memory; minus infinity at those of the same meaning."""
    tolerance = ROUNDING * torch.finfo(distances.dtype).eps
    return functional.threshold_(distances, tolerance, 0).log_()
