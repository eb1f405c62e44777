"""Gradients of a contrastive loss over more pairs than are encoded at once (GradCache, arXiv 2101.06983)."""

from collections.abc import Callable

import torch
from torch import Tensor

Encode = Callable[[int], tuple[Tensor, Tensor]]
Loss = Callable[[Tensor, Tensor], Tensor]


def accumulate_gradients(
    encode: Encode, parts: int, loss_of: Loss, scale: Callable[[Tensor], Tensor] = lambda loss: loss
) -> Tensor:
    """Adds the gradient of the loss over all parts to the parameters, and returns the loss, a scalar.

    One part is one pass. Several parts are encoded twice: first without a graph, for the loss of all features and
    its gradient with respect to them; then one by one with a graph, which takes that gradient on to the parameters.
    So only one part's activations are in memory, and every pair still has all others as negatives.

    Args:
        encode: returns image and text features [b, D] of a part, the same ones at every call (dropout included).
        parts: number of parts.
        loss_of: the loss of the features of all parts, [B, D] each.
        scale: applied to the loss before its gradient is taken, as mixed precision wants it.
    """
    if parts == 1:
        loss = loss_of(*encode(0))
        scale(loss).backward()
        return loss.detach()
    with torch.no_grad():
        sides = list(zip(*(encode(part) for part in range(parts)), strict=True))
    features = [torch.cat(side).requires_grad_() for side in sides]
    loss = loss_of(*features)
    scale(loss).backward()
    sizes = [len(part) for part in sides[0]]
    gradients = zip(*(feature.grad.split(sizes) for feature in features), strict=True)
    for part, gradient in enumerate(gradients):
        pairs = [pair for pair in zip(encode(part), gradient, strict=True) if pair[0].requires_grad]
        torch.autograd.backward(*zip(*pairs, strict=True))
    return loss.detach()
