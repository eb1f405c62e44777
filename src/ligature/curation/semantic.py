"""Semantic duplicates (SemDeDup), and nearness to evaluation captions, by cosines of embeddings."""

import numpy as np
import pandas as pd
import torch

from ligature.curation.cells import cell_members, default_cells, fit_centres, nearest_cells, tile_rows
from ligature.curation.vectors import unit_rows
from ligature.errors import DataError

NONE = -1


def semantic_duplicates(
    uids: np.ndarray,
    embeddings: np.ndarray,
    eps: float,
    *,
    cells: int | None = None,
    probe: bool = True,
    seed: int = 0,
    device: str = "cpu",
) -> pd.DataFrame:
    """Finds rows that say the same as a row with a smaller uid (SemDeDup, Abbas et al. 2023).

    Greedy in the order of uids: a row is a duplicate if its cosine with an earlier row that is kept is above 1 - eps.
    Only rows that share a cell are compared, so pairs across a border are missed; with ``probe`` every row also
    stands in its second nearest cell, which finds most of them for about four times the comparisons. Of the duplicates
    among 20,000 vectors of 256 numbers it finds 98.8 % instead of 79.4 % where the originals form no clusters, the
    worst case, and 100 % instead of 99.9 % where they form 100 clusters.

    The greedy order is followed without walking row by row: all rows are kept at first, then in every round each row
    is looked at again, until nothing changes. After round r the first r links of any chain are settled, and since
    uids are random, chains are short (Blelloch, Fineman and Shun 2012). Rows that no earlier row is near to in the
    first round stay and are not looked at again.

    Args:
        uids: [n] distinct integers or strings; their order decides, that of the rows does not matter.
        embeddings: [n, d], any length.
        eps: above 0, below 1; less than 1e-6 is lost in float32.
        cells: number of k-means cells; n / 500 by default, at most 2 sqrt(n).
        probe: also compare across the border to the second nearest cell.
        seed: of the cells.
        device: where cosines are computed; the embeddings are held there.

    Returns:
        One row a duplicate, sorted by uid: ``uid``, ``duplicate_of`` (the smallest uid that is kept and near),
        ``cosine`` (float32).

    Raises:
        DataError: inputs that do not fit, a uid that stands twice, or a row that is zero or not finite.
    """
    uids = np.asarray(uids)
    _check(uids, embeddings, eps, cells)
    order = np.argsort(uids, kind="stable")
    uids, rows = uids[order], torch.from_numpy(unit_rows(embeddings, "embeddings")[order]).to(device)
    members = _members(rows, uids, cells, 2 if probe else 1, seed)
    earlier, cosines = _greedy(rows, members, 1 - eps)
    dropped = np.flatnonzero(earlier != NONE)
    values = {"uid": uids[dropped], "duplicate_of": uids[earlier[dropped]], "cosine": cosines[dropped]}
    return pd.DataFrame(values)


def nearest_evaluation(embeddings: np.ndarray, references: np.ndarray, *, device: str = "cpu") -> np.ndarray:
    """Returns the largest cosine of every row with any reference, in tiles of 64 MB.

    Args:
        embeddings: [n, d], any length.
        references: [m, d], any length, for example of evaluation captions.
        device: where cosines are computed.

    Returns:
        [n] float32.

    Raises:
        DataError: different widths, no reference, or a row that is zero or not finite.
    """
    rows, others = unit_rows(embeddings, "embeddings"), unit_rows(references, "references")
    if not len(others) or rows.shape[1] != others.shape[1]:
        raise DataError(f"nearest references need one width and at least one, got {rows.shape} and {others.shape}")
    columns = torch.from_numpy(others).to(device).split(4096)
    best = torch.full((len(rows),), -torch.inf)
    height = tile_rows(4096)
    for start in range(0, len(rows), height):
        tile = torch.from_numpy(rows[start : start + height]).to(device)
        largest = torch.stack([(tile @ column.T).amax(dim=1) for column in columns]).amax(dim=0)
        best[start : start + height] = largest.cpu()
    return best.numpy()


def _check(uids: np.ndarray, embeddings: np.ndarray, eps: float, cells: int | None) -> None:
    if embeddings.ndim != 2 or uids.shape != (len(embeddings),):
        raise DataError(f"duplicates need one uid a row, got uids {uids.shape} and embeddings {embeddings.shape}")
    if len(np.unique(uids)) < len(uids):
        raise DataError("a uid stands twice; drop rows with equal uids first")
    if not 0 < eps < 1:
        raise DataError(f"eps {eps}: give a number above 0 and below 1; 0.05 means cosines above 0.95")
    if cells is not None and cells < 1:
        raise DataError(f"{cells} cells: give at least one")


def _members(rows: torch.Tensor, uids: np.ndarray, cells: int | None, count: int, seed: int) -> list[np.ndarray]:
    """Returns the rows of every cell, ascending."""
    cells = min(cells or default_cells(len(rows)), len(rows))
    if cells <= 1:
        return [np.arange(len(rows))]
    nearest = nearest_cells(rows, fit_centres(rows, uids, cells, seed), count)
    return cell_members(nearest.cpu().numpy(), cells)


def _greedy(rows: torch.Tensor, members: list[np.ndarray], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns for every row the first earlier kept row above the threshold (or ``NONE``) and their cosine."""
    kept = np.ones(len(rows), dtype=bool)
    earlier, cosines = _first_kept(rows, members, kept, kept, threshold)
    doubtful = earlier != NONE
    while (kept != (earlier == NONE)).any():
        kept = earlier == NONE
        earlier, cosines = _first_kept(rows, members, doubtful, kept, threshold)
    return earlier, cosines


def _first_kept(
    rows: torch.Tensor, members: list[np.ndarray], doubtful: np.ndarray, kept: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns for every doubtful row its first earlier near row that is kept, over all cells, and their cosine."""
    earlier = np.full(len(rows), NONE)
    cosines = np.full(len(rows), np.nan, dtype=np.float32)
    for cell in members:
        late = cell[doubtful[cell]]
        first, cosine = _first_near(rows, late, cell, kept[cell], threshold)
        better = (first != NONE) & ((earlier[late] == NONE) | (first < earlier[late]))
        earlier[late[better]], cosines[late[better]] = first[better], cosine[better]
    return earlier, cosines


def _first_near(
    rows: torch.Tensor, late: np.ndarray, cell: np.ndarray, kept: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns for every row of ``late`` the first near and smaller kept one of ``cell`` (or ``NONE``), and the cosine.

    Rows that are not kept are masked, not left out: so tiles have one shape in all rounds but the first, every cosine
    is the same to the last bit in all of them, and the rounds must end.
    """
    first = np.full(len(late), NONE)
    cosines = np.full(len(late), np.nan, dtype=np.float32)
    if not len(late):
        return first, cosines
    others, places, kept_here = rows[cell], *(torch.from_numpy(part).to(rows.device) for part in (cell, kept))
    height = tile_rows(len(cell))
    for start in range(0, len(late), height):
        tile = torch.from_numpy(late[start : start + height]).to(rows.device)
        scores = rows[tile] @ others.T
        near = (scores > threshold) & kept_here & (places < tile[:, None])
        found, place = near.max(dim=1)
        cosine = scores.gather(1, place[:, None])[:, 0]
        first[start : start + height] = torch.where(found, places[place], NONE).cpu().numpy()
        cosines[start : start + height] = torch.where(found, cosine, torch.nan).cpu().numpy()
    return first, cosines
