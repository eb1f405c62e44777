"""The losses straight from their formulas, with all logits in memory."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Gather = Callable[[Tensor], tuple[Tensor, int]]
"""Gives all rows that count as negatives, and where the given ones begin among them."""


def dense_infonce(images: Tensor, texts: Tensor, gather: Gather) -> Tensor:
    """Returns the symmetric InfoNCE loss, the mean of both directions, summed over the given pairs.

    Args:
        images: unit rows times the logit scale, [n, D].
        texts: unit rows [n, D].
        gather: gives all rows [b, D].
    """
    (all_images, offset), (all_texts, _) = gather(images), gather(texts)
    targets = offset + torch.arange(len(images), device=images.device)
    logits = images @ all_texts.T
    transposed = logits.T if len(all_images) == len(images) else texts @ all_images.T
    both = [functional.cross_entropy(scores, targets, reduction="sum") for scores in (logits, transposed)]
    return (both[0] + both[1]) / 2


def dense_siglip(images: Tensor, texts: Tensor, bias: Tensor, gather: Gather) -> Tensor:
    """Returns the sigmoid loss, summed over the given images x all texts.

    Args:
        images: unit rows times the logit scale, [n, D].
        texts: unit rows [n, D].
        bias: scalar, added to every logit.
        gather: gives all rows [b, D].
    """
    all_texts, offset = gather(texts)
    logits = images @ all_texts.T + bias
    signs = -torch.ones_like(logits)
    signs.diagonal(offset).fill_(1)
    return -functional.logsigmoid(signs * logits).sum()
