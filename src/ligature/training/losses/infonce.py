"""Symmetric InfoNCE without the matrix of logits."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ligature.training.losses.dense import Gather
from ligature.training.losses.tiles import OnlineLogSumExp, iterate_tiles


def streaming_infonce(images: Tensor, texts: Tensor, gather: Gather, tile: int) -> Tensor:
    """Returns what ``dense_infonce`` returns, in float64 and in memory that does not grow with the square of the pairs.

    Only the texts are gathered: a process computes own images x all texts, and the log-sum-exp of a text over all
    images is that of the processes' parts.

    Args:
        images: unit rows times the logit scale, [n, D].
        texts: unit rows [n, D].
        gather: gives all rows [b, D].
        tile: rows and columns of the logits that exist at a time.
    """
    all_texts, offset = gather(texts)
    over_texts, over_images, positives = TiledLogSumExp.apply(images, all_texts, offset, tile)
    parts, _ = gather(over_images[None])
    own_texts = slice(offset, offset + len(texts))
    total = over_texts.sum() + parts[:, own_texts].logsumexp(dim=0).sum() - 2 * positives.sum()
    return total / 2


class TiledLogSumExp(Function):
    """Log-sum-exp of every row and of every column of ``rows @ columns.T``, and its positives.

    Kept for backward are rows, columns and two numbers for each of them (online softmax, arXiv 1805.02867); backward
    computes the tiles again. All three results are float64, so that their differences are exact.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, columns: Tensor, offset: int, tile: int) -> tuple[Tensor, Tensor, Tensor]:
        """Takes [n, D] and [b, D], row i matching column ``offset`` + i; returns [n], [b] and positives [n]."""
        of_rows = OnlineLogSumExp(rows.new_full((len(rows),), -torch.inf), dim=1)
        of_columns = OnlineLogSumExp(columns.new_full((len(columns),), -torch.inf), dim=0)
        positives = rows.new_empty(len(rows))
        for part in iterate_tiles(rows, columns, offset, tile):
            positives[part.matched] = part.matches
            of_rows.add(part.logits, part.rows)
            of_columns.add(part.logits, part.columns)
        ctx.offset, ctx.tile = offset, tile
        ctx.save_for_backward(rows, columns, of_rows.largest, of_rows.total, of_columns.largest, of_columns.total)
        return of_rows.log_sum_exp(), of_columns.log_sum_exp(), positives.double()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_rows: Tensor, of_columns: Tensor, of_positives: Tensor) -> tuple[Tensor | None, ...]:
        """Multiplies every tile's softmax in both directions by the gradients of its rows and columns."""
        rows, columns, row_largest, row_total, column_largest, column_total = ctx.saved_tensors
        row_weights, column_weights = (of_rows / row_total).to(rows.dtype), (of_columns / column_total).to(rows.dtype)
        row_gradient, column_gradient = torch.zeros_like(rows), torch.zeros_like(columns)
        for logits, at, to, matches, matched in iterate_tiles(rows, columns, ctx.offset, ctx.tile):
            softmax = (logits - column_largest[to]).exp_().mul_(column_weights[to])
            logits.sub_(row_largest[at, None]).exp_().mul_(row_weights[at, None]).add_(softmax)
            matches += of_positives[matched].to(rows.dtype)
            row_gradient[at].addmm_(logits, columns[to])
            column_gradient[to].addmm_(logits.T, rows[at])
        return row_gradient, column_gradient, None, None
