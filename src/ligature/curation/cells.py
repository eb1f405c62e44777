"""Cells of similar embeddings by spherical k-means, so that near neighbours are sought within cells only."""

import math

import numpy as np
import torch

from ligature.curation.keyed import keyed_hash

ROWS_A_CELL = 500
TRAINING_ROWS_A_CELL = 32
ITERATIONS = 5
TILE_BYTES = 64 << 20


def default_cells(n: int) -> int:
    """Returns a number of cells: n / 500, but at most 2 sqrt(n), where assigning rows costs as much as comparing."""
    return max(1, min(n // ROWS_A_CELL, round(2 * math.sqrt(n))))


def tile_rows(columns: int) -> int:
    """Returns how many rows of a float32 matrix with so many columns fit in ``TILE_BYTES``; at least one."""
    return max(1, TILE_BYTES // (4 * max(columns, 1)))


def fit_centres(vectors: torch.Tensor, uids: np.ndarray, cells: int, seed: int) -> torch.Tensor:
    """Returns the centres of a few rounds of spherical k-means over rows chosen by seed.

    Args:
        vectors: [n, d] float32 of unit length, on the device to compute on.
        uids: [n], whose keyed hashes choose ``cells`` rows to begin with and 32 times as many to learn from.
        cells: number of centres, at most n.
        seed: of the choice.

    Returns:
        [cells, d] float32 of unit length.
    """
    order = torch.from_numpy(np.argsort(keyed_hash(uids, seed), kind="stable")).to(vectors.device)
    sample = vectors[order[: TRAINING_ROWS_A_CELL * cells]]
    centres = sample[:cells]
    for _ in range(ITERATIONS):
        nearest = nearest_cells(sample, centres, 1)[:, 0].cpu()
        sums = torch.zeros(centres.shape, dtype=torch.float64).index_add_(0, nearest, sample.cpu().double())
        lengths = sums.norm(dim=1, keepdim=True)
        moved = (sums / lengths.clamp_min(1e-12)).float().to(centres.device)
        centres = torch.where((lengths > 1e-6).to(centres.device), moved, centres)
    return centres


def nearest_cells(vectors: torch.Tensor, centres: torch.Tensor, count: int) -> torch.Tensor:
    """Returns the nearest centres of every row, nearest first: [n, count] int64, in tiles of 64 MB."""
    tiles = vectors.split(tile_rows(len(centres)))
    found = [(tile @ centres.T).topk(min(count, len(centres)), dim=1).indices for tile in tiles]
    return torch.cat(found)


def cell_members(nearest: np.ndarray, cells: int) -> list[np.ndarray]:
    """Returns the rows of every cell, ascending: a row stands in each of its nearest cells.

    Args:
        nearest: [n, count] cells of every row.
        cells: number of cells.
    """
    order = np.argsort(nearest.ravel(), kind="stable")
    ends = np.bincount(nearest.ravel(), minlength=cells).cumsum()
    return np.split(order // nearest.shape[1], ends[:-1])
