"""Cosine scores that do not depend on the order of summation, so that equal vectors always tie.

A feature row is scaled to unit length and rounded to multiples of 2^-24. Products of such numbers are
multiples of 2^-48, and their partial sums stay below two (Cauchy-Schwarz), so float64 holds each of them
exactly: whatever the tile size or the matrix library, a pair of rows has one score, and comparisons are exact.
The rounding moves a score by about 2e-8, no more than float32 arithmetic does.
"""

import numpy as np
import torch

from ligature.errors import DataError

Array = np.ndarray | torch.Tensor

GRID = 2.0**-24
BLOCK_ROWS = 256


def unit_rows(features: Array, name: str) -> torch.Tensor:
    """Returns the rows at unit length on the grid: (n, d) float32, exact, on the device of ``features``.

    Args:
        features: (n, d) feature rows of any real dtype.
        name: what the rows are, for the error message.

    Raises:
        DataError: not a matrix, no rows, or a row that is zero or not finite.
    """
    if features.ndim != 2 or 0 in features.shape:
        raise DataError(f"{name}: expected a matrix of feature rows, got shape {tuple(features.shape)}")
    device = features.device if isinstance(features, torch.Tensor) else "cpu"
    rows = torch.empty(features.shape, dtype=torch.float32, device=device)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = _float64(features[start : start + BLOCK_ROWS])
        norms = torch.linalg.vector_norm(block, dim=1, keepdim=True)
        _check_norms(norms[:, 0], start, name)
        rows[start : start + len(block)] = block.div_(norms * GRID).round_().mul_(GRID)
    return rows


def unit_rows_pair(first: Array, second: Array, names: tuple[str, str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns ``unit_rows`` of both matrices on the device of the first.

    Raises:
        DataError: as ``unit_rows``, or the widths differ.
    """
    rows = unit_rows(first, names[0])
    others = unit_rows(second, names[1])
    if rows.shape[1] != others.shape[1]:
        raise DataError(f"{names[0]} are {rows.shape[1]} wide but {names[1]} {others.shape[1]}; use one joint space")
    return rows, others.to(rows.device)


def paired_scores(rows: torch.Tensor, others: torch.Tensor, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
    """Returns the exact scores of the pairs ``(rows[i[p]], others[j[p]])``: (p,) float64.

    Args:
        rows: (n, d) result of ``unit_rows``.
        others: (m, d) result of ``unit_rows``.
        i: (p,) int64 indices into ``rows``.
        j: (p,) int64 indices into ``others``.
    """
    blocks = zip(i.split(BLOCK_ROWS), j.split(BLOCK_ROWS), strict=True)
    scores = [torch.einsum("pd,pd->p", rows[a].double(), others[b].double()) for a, b in blocks]
    return torch.cat(scores)


def exact_scores(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Returns the exact scores of all pairs of two ``unit_rows`` matrices: (n, m) float64."""
    return rows.double() @ others.double().T


def row_indices(values: Array, length: int, limit: int, name: str) -> torch.Tensor:
    """Returns ``values`` as (length,) int64 after checking that each is an index below ``limit``.

    Raises:
        DataError: wrong length, not integers, or an index out of range.
    """
    indices = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
    if indices.shape != (length,):
        raise DataError(f"{name}: expected {length} indices, one a feature row, got shape {indices.shape}")
    if indices.dtype.kind not in "iu":
        raise DataError(f"{name}: expected integers, got {indices.dtype}")
    wrong = np.flatnonzero((indices < 0) | (indices >= limit))
    if len(wrong):
        raise DataError(f"{name}: entry {wrong[0]} is {indices[wrong[0]]}, out of range 0..{limit - 1}")
    return torch.from_numpy(indices.astype(np.int64))


def _float64(block: Array) -> torch.Tensor:
    if isinstance(block, torch.Tensor):
        return block.detach().to(torch.float64, copy=True)
    return torch.from_numpy(np.array(block, dtype=np.float64))


def _check_norms(norms: torch.Tensor, start: int, name: str) -> None:
    wrong = (~(norms.isfinite() & (norms > 0))).nonzero()
    if len(wrong):
        at = int(wrong[0])
        what = "is all zeros" if norms[at] == 0 else "is not finite"
        raise DataError(f"{name}: row {start + at} {what}; embed it again or leave it out")
