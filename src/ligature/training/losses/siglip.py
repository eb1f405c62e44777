"""The sigmoid loss without the matrix of logits."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ligature.training.losses.dense import Gather
from ligature.training.losses.tiles import iterate_tiles

LINEAR_FROM = 40  # log(1 + exp(x)) is x from here on, in float64 too


def streaming_siglip(images: Tensor, texts: Tensor, bias: Tensor, gather: Gather, tile: int) -> Tensor:
    """Returns what ``dense_siglip`` returns, in float64 and in memory that does not grow with the square of the pairs.

    Args:
        images: unit rows times the logit scale, [n, D].
        texts: unit rows [n, D].
        bias: scalar, added to every logit.
        gather: gives all rows [b, D].
        tile: rows and columns of the logits that exist at a time.
    """
    all_texts, offset = gather(texts)
    return TiledSigmoidLoss.apply(images, all_texts, bias, offset, tile)


class TiledSigmoidLoss(Function):
    """The sum of -log sigmoid(z (rows @ columns.T + bias)), z = 1 at positives and -1 elsewhere.

    Written as softplus(-z logit). Kept for backward are the arguments alone; backward computes the tiles again.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, columns: Tensor, bias: Tensor, offset: int, tile: int) -> Tensor:
        """Takes [n, D], [b, D] and a scalar, row i matching column ``offset`` + i; returns a float64 scalar."""
        ctx.offset, ctx.tile = offset, tile
        ctx.save_for_backward(rows, columns, bias)
        total = rows.new_zeros((), dtype=torch.float64)
        for part in iterate_tiles(rows, columns, offset, tile):
            part.logits.add_(bias)
            part.matches.neg_()
            total += functional.softplus(part.logits, threshold=LINEAR_FROM).sum()
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Multiplies every tile's sigmoid, negative at positives, by the other side's features."""
        rows, columns, bias = ctx.saved_tensors
        row_gradient, column_gradient = torch.zeros_like(rows), torch.zeros_like(columns)
        bias_gradient = torch.zeros_like(gradient)
        for logits, at, to, matches, _ in iterate_tiles(rows, columns, ctx.offset, ctx.tile):
            logits.add_(bias)
            matches.neg_()
            logits.sigmoid_()
            matches.neg_()
            bias_gradient += logits.sum()
            row_gradient[at].addmm_(logits, columns[to])
            column_gradient[to].addmm_(logits.T, rows[at])
        row_gradient *= gradient
        column_gradient *= gradient
        return row_gradient, column_gradient, (bias_gradient * gradient).to(bias.dtype), None, None
