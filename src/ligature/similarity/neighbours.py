"""Mutual nearest neighbours: how many of a row's neighbours two encoders share."""

import torch

from ligature.errors import DataError
from ligature.similarity.features import Features, checked
from ligature.similarity.tiles import row_tiles


def mutual_knn(x: Features, y: Features, *, neighbours: int = 10) -> float:
    """Returns the mean overlap, in [0, 1], of the ``neighbours`` nearest rows by cosine in ``x`` and in ``y``.

    The mutual k-nearest-neighbour metric of Huh et al. (2024, arXiv 2405.07987); chance is about k / n.

    Raises:
        DataError: as ``linear_cka``, or if there are not more rows than ``neighbours``.
    """
    left, right = checked({"x": x}, {"y": y}).values()
    return neighbour_overlap(nearest(left, neighbours), nearest(right, neighbours))


def nearest(features: torch.Tensor, neighbours: int) -> torch.Tensor:
    """Returns the indices (n x neighbours) of each row's nearest other rows by cosine, in O(tile^2) memory.

    Raises:
        DataError: if there are not more rows than ``neighbours``.
    """
    rows = len(features)
    if not 0 < neighbours < rows:
        raise DataError(f"neighbours is {neighbours}, expected from 1 to {rows - 1} for {rows} rows")
    unit = torch.nn.functional.normalize(features, dim=1)
    return torch.cat([_nearest_of_tile(unit, queries, neighbours) for queries in row_tiles(rows)])


def _nearest_of_tile(unit: torch.Tensor, queries: slice, neighbours: int) -> torch.Tensor:
    best = unit.new_full((queries.stop - queries.start, neighbours), -torch.inf)
    indices = torch.zeros_like(best, dtype=torch.int64)
    for keys in row_tiles(len(unit)):
        cosines = unit[queries] @ unit[keys].T
        if keys == queries:
            cosines.fill_diagonal_(-torch.inf)
        columns = torch.arange(keys.start, keys.stop, device=unit.device).expand_as(cosines)
        best, chosen = torch.cat([best, cosines], dim=1).topk(neighbours, dim=1)
        indices = torch.cat([indices, columns], dim=1).gather(1, chosen)
    return indices


def neighbour_overlap(left: torch.Tensor, right: torch.Tensor) -> float:
    """Returns the mean share of neighbours that two index tables (n x k) have in common."""
    shared = (left[:, :, None] == right[:, None, :]).sum()
    return float(shared) / left.numel()
