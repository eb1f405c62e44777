"""The contrastive loss."""

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(image_features: Tensor, text_features: Tensor, logit_scale: Tensor) -> Tensor:
    """Returns the symmetric InfoNCE loss, a scalar (CLIP, arXiv 2103.00020).

    Args:
        image_features: unit vectors [B, D].
        text_features: unit vectors [B, D]; row i belongs to image i, every other row is a negative.
        logit_scale: scalar, the logarithm of one over the temperature.
    """
    logits = logit_scale.exp() * image_features @ text_features.T
    targets = torch.arange(len(logits), device=logits.device)
    image_to_text = functional.cross_entropy(logits, targets)
    text_to_image = functional.cross_entropy(logits.T, targets)
    return (image_to_text + text_to_image) / 2
