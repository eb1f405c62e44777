"""The separation of one modality without the matrices of logits and distances."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ligature.pretraining.losses.semantics import log_distances
from ligature.training.losses.dense import Gather
from ligature.training.losses.tiles import OnlineLogSumExp, Tile, iterate_tiles


def streaming_separation(
    scaled: Tensor,
    features: Tensor,
    positives: Tensor,
    semantics: Tensor | None,
    gather: Gather,
    rescaling: str,
    tile: int,
) -> Tensor:
    """Returns what ``dense_separation`` returns, in float64 and in memory that does not grow with the samples squared.

    Args:
        scaled: unit rows of one modality times the logit scale, [n, D].
        features: the same unit rows [n, D].
        positives: logits of the samples' own pairs, [n].
        semantics: unit rows of all samples, [b, s]; of no use without rescaling.
        gather: gives all rows [b, D].
        rescaling: ``cosine``, ``exponent`` or ``none``.
        tile: rows and columns of the logits that exist at a time.
    """
    columns, offset = gather(features)
    return TiledSeparation.apply(scaled, columns, positives, semantics, offset, rescaling, tile).sum()


class TiledSeparation(Function):
    """Cross-entropy of every row's positive among the negatives of ``rows @ columns.T``, rescaled by their distances.

    Kept for backward are the arguments and two numbers a row; backward computes the tiles again. The result is
    float64, so that large logits lose no digits of it.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        columns: Tensor,
        positives: Tensor,
        semantics: Tensor | None,
        offset: int,
        rescaling: str,
        tile: int,
    ) -> Tensor:
        """Takes [n, D], [b, D], [n] and [b, s], row i being column ``offset`` + i; returns [n]."""
        online = OnlineLogSumExp(positives, dim=1)
        for part, _ in _iterate_negatives(rows, columns, semantics, offset, rescaling, tile):
            online.add(part.logits, part.rows)
        ctx.how = offset, rescaling, tile
        ctx.save_for_backward(rows, columns, positives, semantics, online.largest, online.total)
        return online.log_sum_exp() - positives.double()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Multiplies every tile's softmax by the gradients of its rows and by what the products were multiplied by."""
        rows, columns, positives, semantics, largest, total = ctx.saved_tensors
        weights = (gradient / total).to(rows.dtype)
        row_gradient, column_gradient = torch.zeros_like(rows), torch.zeros_like(columns)
        for (logits, at, to, *_), factors in _iterate_negatives(rows, columns, semantics, *ctx.how):
            logits.sub_(largest[at, None]).exp_().mul_(weights[at, None])
            if factors is not None:
                logits.mul_(factors)
            row_gradient[at].addmm_(logits, columns[to])
            column_gradient[to].addmm_(logits.T, rows[at])
        softmax = (positives - largest).exp() * weights
        return row_gradient, column_gradient, softmax - gradient.to(rows.dtype), *[None] * 4


def _iterate_negatives(
    rows: Tensor, columns: Tensor, semantics: Tensor | None, offset: int, rescaling: str, size: int
) -> Iterator[tuple[Tile, Tensor | None]]:
    """Yields tiles of rescaled logits, minus infinity at positives, with the factors [r, c] that rescaled them or None.

    The memory of a tile is that of the next one, too, and may be overwritten.
    """
    tiles = iterate_tiles(rows, columns, offset, size)
    if rescaling == "none":
        for part in tiles:
            part.matches.fill_(-torch.inf)
            yield part, None
        return
    own = semantics[offset : offset + len(rows)]
    for part, similarities in zip(tiles, iterate_tiles(own, semantics, offset, size), strict=True):
        distances = similarities.logits.neg_().add_(1)
        if rescaling == "cosine":
            part.logits.mul_(distances)
        else:
            part.logits.add_(log_distances(distances))
        part.matches.fill_(-torch.inf)
        yield part, distances if rescaling == "cosine" else None
