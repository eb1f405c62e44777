"""Rows of all processes of torch.distributed, with gradients."""

from typing import Any

import torch
from torch import Tensor, distributed
from torch.autograd import Function
from torch.nn import functional


def gather_rows(features: Tensor) -> tuple[Tensor, int]:
    """Returns the rows of all processes, and where this process's own begin.

    Every process must call it. Gradients come back to the process that owns the row, summed over all processes; the
    loss is thus the sum of what the processes compute. Without torch.distributed the rows are returned as they are.

    Args:
        features: [n, ...]; n may differ between processes and may be 0, the rest of the shape and the type may not.

    Returns:
        [sum of n, ...] in the order of the ranks, and the number of rows of all lower ranks.
    """
    if not is_distributed():
        return features, 0
    counts = row_counts(features)
    return _Gather.apply(features, counts), sum(counts[: distributed.get_rank()])


def row_counts(features: Tensor) -> list[int]:
    """Returns the number of rows [n, ...] that each process holds, in the order of the ranks."""
    if not is_distributed():
        return [len(features)]
    own = torch.tensor([len(features)], device=features.device)
    counts = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(counts, own)
    return torch.cat(counts).tolist()


def is_distributed() -> bool:
    """Returns whether the default process group of torch.distributed exists."""
    return distributed.is_available() and distributed.is_initialized()


class _Gather(Function):
    """All rows forward; their summed gradients, cut to the own rows, backward."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, counts: list[int]) -> Tensor:
        """Pads to the longest process, since collectives take equal shapes, and cuts the padding off."""
        ctx.counts = counts
        missing = max(counts) - len(features)
        padded = functional.pad(features, [0, 0] * (features.ndim - 1) + [0, missing]).contiguous()
        parts = [torch.empty_like(padded) for _ in counts]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Sums the gradients of all rows over the processes."""
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total.split(ctx.counts)[distributed.get_rank()], None
