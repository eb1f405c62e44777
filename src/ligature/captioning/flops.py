"""Floating-point operations of a vision-language model's training, estimated; a multiply-add is two."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.packing import Packed


def count_sample_flops(model: VisionLanguageModel, pixels: Tensor, packed: Packed) -> tuple[int, int]:
    """Returns the operations of one sample in a training step, and those of its vision features if they are frozen.

    PyTorch's counter watches a pass forward: products, convolutions and attention count, element-wise operations do
    not, and attention counts in full where it is causal. The way back costs once more what came forward wherever a
    gradient passes, and once more, by the share of parameters that are trained, for the gradient of the weights. What
    gradient checkpointing computes again does not count.

    Args:
        model: with the parts trained that the stage trains.
        pixels: [v, 3, h, w] inputs of the tower.
        packed: the sample.
    """
    tokens, attention = packed.tokens, packed.attention
    shares = [_trained_share(part) for part in (model.vision, model.connector, model.language)]
    with torch.no_grad(), _frozen(model):
        features, vision = _counted(model.vision, pixels)
        visual, connector = _counted(model.visual_tokens, features)
        _, language = _counted(model.logits, tokens, attention, visual, packed.views, packed.keep)
    passes = [any(shares[: place + 1]) for place in range(3)]
    costs = [1 + reached * (1 + share) for reached, share in zip(passes, shares, strict=True)]
    total = sum(round(cost * flops) for cost, flops in zip(costs[1:], (connector, language), strict=True))
    return (total + round(costs[0] * vision), 0) if passes[0] else (total, vision)


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Takes the gradients off all weights for a while, since the counter follows those of views of weights even so."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    try:
        for weight in trained:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in trained:
            weight.requires_grad_(True)


def _counted(compute: Callable[..., Tensor], *inputs: Any) -> tuple[Tensor, int]:
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):  # fused kernels count otherwise
        output = compute(*inputs)
    return output, counter.get_total_flops()


def _trained_share(part: nn.Module) -> float:
    trained = sum(weight.numel() for weight in part.parameters() if weight.requires_grad)
    return trained / max(sum(weight.numel() for weight in part.parameters()), 1)
