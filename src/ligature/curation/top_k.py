"""The k best rows of a pool for every concept, in one pass that never writes a matrix of scores.

Rows are gathered into tiles, and these are multiplied PRODUCT_ROWS rows at a time, padded by zeros where they end. So
every row meets the same kernel of the matrix library, and its score depends neither on the batches it came in nor on
its place among them. A tile spans many products so that a threshold can be raised before rows are inserted.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

from ligature.curation.shortlist import Shortlists
from ligature.curation.state import TopK, without_unused
from ligature.errors import DataError, ParamsError

TILE_ROWS = 65536
PRODUCT_ROWS = 8192  # a divisor of TILE_ROWS
BLOCK_CONCEPTS = 1024

Array = np.ndarray | torch.Tensor
Offers = Iterator[tuple[int, np.ndarray, np.ndarray | None]]


def top_k(batches: Iterable[tuple[Array, Array]], prototypes: Array, k: int, *, device: str = "cpu") -> TopK:
    """Returns the k rows of highest cosine similarity with every prototype.

    On one machine the result is bitwise the same for any batch sizes and any order of rows, and the same as that of
    the merged states of any parts. Memory is 1.25 times that of the result (10 C k bytes), a tile of rows and one of
    scores, and the uids of all rows, with their order at the end, to find duplicates.

    Args:
        batches: pairs of uids [n] (integers of one dtype, or text) and embeddings [n, d], float16 or float32.
        prototypes: [C, d], of any length but zero.
        k: how many rows to keep a concept; all where the pool has fewer.
        device: where scores are computed and compared with the thresholds.

    Raises:
        DataError: k below one; no rows; a prototype or an embedding that is zero or not finite; widths or numbers of
            rows that do not agree; uids of another dtype, or a uid that comes twice.
        ParamsError: torch is set to multiply float32 in lower precision on ``device``.
    """
    if k < 1:
        raise DataError(f"k = {k}: keep at least one row a concept")
    concepts = _unit_prototypes(prototypes)
    scorer = (_HostScorer if device == "cpu" else _DeviceScorer)(concepts, device)
    shortlists, seen, first = None, [], 0
    for uids, rows in _tiles(batches, concepts.shape[1]):
        _to_unit_length(rows, len(uids), lambda row, uids=uids: f"the embedding of uid {uids[row]}")
        seen.append(uids)
        shortlists = shortlists or Shortlists(len(concepts), k, len(uids), lambda rows: _uids_of(seen, rows))
        for concept, scores, columns in scorer.offers(rows, len(uids), shortlists.thresholds):
            shortlists.extend(concept, scores, first if columns is None else columns + first)
        first += len(uids)
    if shortlists is None:
        raise DataError("there are no rows to score: the stream is empty")
    pool, ranks = _in_order(np.concatenate(seen))
    scores, places = shortlists.best(min(k, len(pool)), ranks)
    return TopK(scores, *without_unused(places, pool), k, len(ranks))


class _HostScorer:
    """Scores a tile with every concept, block by block."""

    def __init__(self, concepts: np.ndarray, device: str) -> None:
        self.blocks = np.split(concepts, range(BLOCK_CONCEPTS, len(concepts), BLOCK_CONCEPTS))
        self.scores = np.empty((len(self.blocks[0]), TILE_ROWS), np.float32)

    def offers(self, rows: np.ndarray, filled: int, thresholds: np.ndarray) -> Offers:
        """Yields each concept, scores that may reach its threshold, and their rows in the tile; None: all, in order.

        Args:
            rows: [n, d] at unit length, n a multiple of PRODUCT_ROWS.
            filled: how many rows are not padding.
            thresholds: [C], lower bounds of what is wanted.
        """
        concept = 0
        for block in self.blocks:
            table = self.scores[: len(block)]
            for start in range(0, len(rows), PRODUCT_ROWS):
                part = slice(start, start + PRODUCT_ROWS)
                np.matmul(block, rows[part].T, out=table[:, part])
            for scores in table[:, :filled]:
                yield concept, scores, None
                concept += 1


class _DeviceScorer:
    """The same on an accelerator: only what reaches the thresholds leaves it."""

    def __init__(self, concepts: np.ndarray, device: str) -> None:
        if torch.get_float32_matmul_precision() != "highest":
            raise ParamsError('scores need torch.set_float32_matmul_precision("highest")')
        self.device = device
        self.blocks = torch.from_numpy(concepts).to(device).split(BLOCK_CONCEPTS)

    def offers(self, rows: np.ndarray, filled: int, thresholds: np.ndarray) -> Offers:
        """Yields what ``_HostScorer.offers`` does, less the scores below the thresholds."""
        tile = torch.from_numpy(rows).to(self.device)
        limits = torch.from_numpy(thresholds).to(self.device)[:, None].split(BLOCK_CONCEPTS)
        concept = 0
        for block, limit in zip(self.blocks, limits, strict=True):
            scores = torch.cat([block @ part.T for part in tile.split(PRODUCT_ROWS)], dim=1)[:, :filled]
            reached = scores >= limit
            ends = reached.sum(1).cumsum(0)[:-1].cpu().numpy()
            values, columns = (each.cpu().numpy() for each in (scores[reached], reached.nonzero()[:, 1]))
            for part in zip(np.split(values, ends), np.split(columns, ends), strict=True):
                yield concept, *part
                concept += 1


def _unit_prototypes(prototypes: Array) -> np.ndarray:
    concepts = np.array(_on_host(prototypes), dtype=np.float32)
    if concepts.ndim != 2 or 0 in concepts.shape:
        raise DataError(f"prototypes: expected a matrix with a row a concept, got shape {concepts.shape}")
    _to_unit_length(concepts, len(concepts), lambda row: f"prototype {row}")
    return concepts


def _tiles(batches: Iterable[tuple[Array, Array]], width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields uids [n] and rows float32, padded by zeros to a multiple of PRODUCT_ROWS; all tiles share their memory."""
    rows, uids, filled = np.zeros((TILE_ROWS, width), np.float32), [], 0
    for batch_uids, batch in _checked(batches, width):
        while len(batch):
            taken = min(TILE_ROWS - filled, len(batch))
            rows[filled : filled + taken] = batch[:taken]
            uids.append(batch_uids[:taken])
            filled, batch_uids, batch = filled + taken, batch_uids[taken:], batch[taken:]
            if filled == TILE_ROWS:
                yield np.concatenate(uids), rows
                uids, filled = [], 0
    if filled:
        whole = filled + -filled % PRODUCT_ROWS
        rows[filled:whole] = 0
        yield np.concatenate(uids), rows[:whole]


def _checked(batches: Iterable[tuple[Array, Array]], width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the batches as arrays on the host after a look at their shapes and dtypes."""
    kind = None
    for number, batch in enumerate(batches):
        uids, embeddings = map(_on_host, batch)
        if embeddings.shape != (len(uids), width) or uids.ndim != 1:
            raise DataError(
                f"batch {number} has uids {uids.shape} and embeddings {embeddings.shape}, prototypes are {width} wide: "
                "embed rows and prototypes in one space, a uid a row"
            )
        own = "text" if uids.dtype.kind == "U" else uids.dtype
        kind = kind or own
        if own != kind or uids.dtype.kind not in "iuU":
            raise DataError(f"batch {number} has uids of {own}: give integers of one dtype, or text, in every batch")
        yield uids, embeddings


def _on_host(values: Array) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _to_unit_length(rows: np.ndarray, filled: int, name: Callable[[int], str]) -> None:
    """Scales the first ``filled`` rows to unit length in place."""
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    lengths[filled:] = 1
    wrong = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(f"{name(row)} is zero or not finite (length {lengths[row]}): embed it again or leave it out")
    rows /= lengths[:, None]


def _uids_of(seen: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Returns the uids of row numbers, tile by tile; every tile but the last is full."""
    tiles, columns = np.divmod(rows, TILE_ROWS)
    uids = np.empty(len(rows), np.result_type(*seen))
    for tile in np.unique(tiles):
        here = tiles == tile
        uids[here] = seen[tile][columns[here]]
    return uids


def _in_order(uids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns rising uids and the rank of every row among them, int32, after checking that no uid comes twice."""
    order = np.argsort(uids, kind="stable")
    rising = uids[order]
    twice = np.flatnonzero(rising[1:] == rising[:-1])
    if len(twice):
        raise DataError(f"uid {rising[twice[0]]} comes twice: drop duplicates first, or score parts and merge states")
    ranks = np.empty(len(uids), dtype=np.int32)
    ranks[order] = np.arange(len(uids), dtype=np.int32)
    return rising, ranks
