"""Floating-point operations of the two towers in training; a multiply-add is two."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ligature.encoders.contrastive.model import ContrastiveModel


def count_pair_flops(model: ContrastiveModel, text_length: int) -> int:
    """Returns the operations of one image-text pair's way through the towers, forward and backward.

    PyTorch's counter watches a pass of shapes without values, so the count is the same on every machine and takes no
    memory. Products, convolutions and attention count, element-wise operations and the loss do not. Attention counts in
    full where it is causal, and nothing that gradient checkpointing or micro-batches compute again counts.

    Args:
        model: on any device; it stays as it is.
        text_length: tokens of the text, start, end and padding included.
    """
    side = model.config.image_size
    with torch.device("meta"):
        twin = ContrastiveModel(model.config)
        pixels, tokens = torch.empty(1, 3, side, side), torch.empty(1, text_length, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):  # fused kernels count otherwise
        (twin.image(pixels).sum() + twin.text(tokens).sum()).backward()
    return counter.get_total_flops()
