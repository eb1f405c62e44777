"""Means and maxima over the real tokens of a batch: padding costs nothing and never reaches a result."""

import torch
from torch import Tensor


class RealTokens:
    """The real tokens of a batch, one after the other, and the way back to one vector an item.

    Attributes:
        values: real tokens [N, D]; the batch [B, T, D] as it is where there is no mask.
        mask: [B, T], true at real tokens, or None where all are real.
    """

    def __init__(self, tokens: Tensor, mask: Tensor | None) -> None:
        """Takes tokens [B, T, D] and a mask [B, T] with at least one real token a row."""
        self.mask = None if mask is None else mask.bool()
        self.values = tokens if self.mask is None else tokens[self.mask]

    def mean(self, values: Tensor) -> Tensor:
        """Returns the mean [B, H] of ``values``, computed token by token, in float32 or wider."""
        wide = torch.promote_types(values.dtype, torch.float32)
        if self.mask is None:
            return values.sum(dim=1, dtype=wide) / values.shape[1]
        counts = self.mask.sum(dim=1)
        return _SegmentSum.apply(values.to(wide), counts) / counts.unsqueeze(1)

    def max(self, values: Tensor) -> Tensor:
        """Returns the maximum [B, H] of ``values``, computed token by token."""
        if self.mask is None:
            return values.amax(dim=1)
        padded = values.new_full((*self.mask.shape, values.shape[-1]), -torch.inf)
        padded[self.mask] = values
        return padded.amax(dim=1)


def masked_mean(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Returns the mean [B, D] of tokens [B, T, D] where ``mask`` [B, T] is true, in float32 or wider."""
    real = RealTokens(tokens, mask)
    return real.mean(real.values)


class _SegmentSum(torch.autograd.Function):
    """Sums of consecutive rows: one order of summation on every device, and nothing of size N x H kept."""

    @staticmethod
    def forward(ctx, values: Tensor, counts: Tensor) -> Tensor:
        ctx.save_for_backward(counts)
        rows, starts = torch.arange(len(values), device=values.device), counts.cumsum(0) - counts
        return torch.nn.functional.embedding_bag(rows, values, starts, mode="sum")

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (counts,) = ctx.saved_tensors
        return gradient.repeat_interleave(counts, dim=0), None
