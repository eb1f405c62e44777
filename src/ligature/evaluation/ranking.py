"""Exact ranks and nearest candidates from tiles of the score matrix, with no sort and no full matrix."""

from functools import cached_property

import numpy as np
import torch

from ligature.errors import DataError
from ligature.evaluation.cosine import Array, exact_scores, paired_scores, unit_rows_pair

CHUNK = 1024
DENSE_SHARE = 64  # where more than one score in so many is unsure, the whole tile is computed in float64


def count_at_least(
    rows: torch.Tensor,
    columns: torch.Tensor,
    row_thresholds: torch.Tensor,
    column_thresholds: torch.Tensor | None = None,
    *,
    chunk: int = CHUNK,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Counts, for each row and each column of the score matrix, the scores at or above its threshold.

    Each tile of scores is computed once and serves both directions. On a CPU the tile is float32, and a score
    within its rounding error of a threshold is decided by its exact float64 value: the counts are exact.

    Args:
        rows: (n, d) result of ``unit_rows``.
        columns: (m, d) result of ``unit_rows``.
        row_thresholds: (n,) float64.
        column_thresholds: (m,) float64, or None where the columns need no count.
        chunk: rows and columns of a tile; memory is chunk^2 scores. Several thousand suit a GPU.

    Returns:
        (n,) int64 counts of the rows and (m,) int64 counts of the columns (zeros without thresholds).
    """
    row_counts = torch.zeros(len(rows), dtype=torch.int64, device=rows.device)
    column_counts = torch.zeros(len(columns), dtype=torch.int64, device=rows.device)
    for top in range(0, len(rows), chunk):
        for left in range(0, len(columns), chunk):
            down, across = slice(top, top + chunk), slice(left, left + chunk)
            tile = _Tile(rows[down], columns[across])
            row_counts[down] += tile.count(row_thresholds[down, None], dim=1)
            if column_thresholds is not None:
                column_counts[across] += tile.count(column_thresholds[None, across], dim=0)
    return row_counts, column_counts


class _Tile:
    """Scores of a block of rows with a block of columns; float32 with a bound on its error decides most."""

    def __init__(self, rows: torch.Tensor, columns: torch.Tensor) -> None:
        self.rows, self.columns = rows, columns
        self.margin = (1.01 * rows.shape[1] + 8) * 2.0**-24

    @cached_property
    def rounded(self) -> np.ndarray:
        """Scores in float32, each within ``margin`` of its exact value.

        The margin is d * 2^-24, the bound on a dot product of unit vectors in any order of summation (Higham,
        Accuracy and Stability of Numerical Algorithms, 3.1), with room for the rounding of thresholds. NumPy
        multiplies, because torch may be set to multiply float32 in lower precision.
        """
        return self.rows.numpy() @ self.columns.numpy().T

    @cached_property
    def exact(self) -> torch.Tensor:
        """Scores in float64, without rounding."""
        return exact_scores(self.rows, self.columns)

    def count(self, thresholds: torch.Tensor, dim: int) -> torch.Tensor:
        """Returns how many scores along ``dim`` are at or above the thresholds, (n, 1) or (1, m) float64."""
        if self.rows.device.type != "cpu":
            return (self.exact >= thresholds).sum(dim)
        above = self.rounded >= (thresholds + self.margin).float().numpy()
        maybe = self.rounded >= (thresholds - self.margin).float().numpy()
        unsure = np.flatnonzero(maybe ^ above)
        if len(unsure) * DENSE_SHARE > above.size:
            return (self.exact >= thresholds).sum(dim)
        i, j = map(torch.from_numpy, np.divmod(unsure, above.shape[1]))
        reached = paired_scores(self.rows, self.columns, i, j) >= thresholds.expand(above.shape)[i, j]
        counts = torch.from_numpy(np.count_nonzero(above, axis=dim))
        return counts.index_add_(0, (i, j)[1 - dim], reached.long())


def top_k_matches(
    query_features: Array, candidate_features: Array, k: int, *, chunk: int = CHUNK
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the k candidates of highest cosine similarity of every query, best first.

    Equal scores are ordered by candidate index. Memory is chunk * (chunk + k) scores.

    Args:
        query_features: (n, d), any length.
        candidate_features: (m, d), any length.
        k: number of matches of a query, 1..m.
        chunk: queries and candidates of a tile.

    Returns:
        (n, k) float64 scores and (n, k) int64 candidate indices.

    Raises:
        DataError: zero or non-finite rows, different widths, or k not in 1..m.
    """
    queries, candidates = unit_rows_pair(query_features, candidate_features, ("query_features", "candidate_features"))
    if not 1 <= k <= len(candidates):
        raise DataError(f"k = {k} matches asked for, but there are {len(candidates)} candidates")
    blocks = [_block_top_k(block, candidates, k, chunk) for block in queries.split(chunk)]
    scores, indices = zip(*blocks, strict=True)
    return torch.cat(scores), torch.cat(indices)


def _block_top_k(
    queries: torch.Tensor, candidates: torch.Tensor, k: int, chunk: int
) -> tuple[torch.Tensor, torch.Tensor]:
    scores = torch.empty(len(queries), 0, dtype=torch.float64, device=queries.device)
    indices = torch.empty(len(queries), 0, dtype=torch.int64, device=queries.device)
    for start in range(0, len(candidates), chunk):
        tile = exact_scores(queries, candidates[start : start + chunk])
        numbers = torch.arange(start, start + tile.shape[1], device=queries.device).expand(tile.shape)
        scores, indices = _keep_k(torch.cat([scores, tile], 1), torch.cat([indices, numbers], 1), k)
    scores, order = scores.sort(dim=1, descending=True, stable=True)
    return scores, indices.gather(1, order)


def _keep_k(scores: torch.Tensor, indices: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Keeps the k highest scores of every row in their order; of equal ones the first."""
    if scores.shape[1] <= k:
        return scores, indices
    lowest = scores.topk(k, dim=1).values[:, -1:]
    above, equal = scores > lowest, scores == lowest
    room = k - above.sum(1, keepdim=True)
    keep = above | (equal & (equal.cumsum(1) <= room))
    return scores[keep].view(-1, k), indices[keep].view(-1, k)
