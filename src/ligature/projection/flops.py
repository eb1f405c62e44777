"""Floating-point operations of a training step, as the field counts them: one forward and one backward pass."""

import copy

import torch
from torch.utils.flop_counter import FlopCounterMode

from ligature.projection.batches import MicroBatch
from ligature.projection.projector import Projector
from ligature.training.losses import LossSettings


def count_projector_flops(projector: Projector, batch: MicroBatch) -> int:
    """Returns the operations of the projector's matrix products on ``batch``, forward and backward.

    PyTorch's counter watches one real pass over a copy. What accumulation or tiles compute again does not count, nor
    do encoders. Element-wise operations do not count.
    """
    model = copy.deepcopy(projector).eval()
    with FlopCounterMode(display=False) as counter:
        features = model.encode_image(**batch.images), model.encode_text(*batch.texts)
        trained = [part.sum() for part in features if part.requires_grad]
        if trained:
            torch.stack(trained).sum().backward()
    return counter.get_total_flops()


def loss_flops(pairs: int, width: int, loss: LossSettings) -> int:
    """Returns the operations of the loss's matrix products over a batch of ``pairs`` features of ``width``.

    They are written as a formula because the counter does not see products in place: one product of the images with
    their negatives forward, two backward, two operations an entry and dimension.
    """
    return 3 * 2 * pairs * (loss.group or pairs) * width
