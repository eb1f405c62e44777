"""The contrastive loss of self-supervised training."""

import torch
from torch.nn import functional


def nt_xent(first: torch.Tensor, second: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Returns the normalised temperature-scaled cross entropy of two views of every image.

    Each of the 2N vectors has to find its other view among the 2N - 1 others (SimCLR, arXiv 2002.05709,
    equation 1, averaged over all positive pairs).

    Args:
        first: (N, dims), vectors of the first views, of any length.
        second: (N, dims), vectors of the second views, in the same order.
        temperature: divides the cosine similarities.
    """
    views = functional.normalize(torch.cat([first, second]), dim=1)
    logits = views @ views.T / temperature
    logits = logits.masked_fill(torch.eye(len(views), dtype=torch.bool), float("-inf"))
    return functional.cross_entropy(logits, torch.arange(len(views)).roll(len(first)))
