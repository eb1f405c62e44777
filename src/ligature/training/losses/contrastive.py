"""The contrastive loss of a batch, as its settings say."""

import torch
from torch import Tensor

from ligature.errors import ParamsError
from ligature.training.losses.dense import Gather, dense_infonce, dense_siglip
from ligature.training.losses.gathering import gather_rows, row_counts
from ligature.training.losses.infonce import streaming_infonce
from ligature.training.losses.settings import LossSettings
from ligature.training.losses.siglip import streaming_siglip


def contrastive_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor,
    logit_bias: Tensor | None,
    settings: LossSettings,
) -> Tensor:
    """Returns this process's share of the loss over the batch of all processes, a scalar.

    Summed over the processes of torch.distributed the shares are the loss, and their gradients its gradient; every
    process must compute its share and go backward. Without torch.distributed the share is the whole loss.
    Everything is computed in float32, or in float64 where the features are.

    Args:
        image_features: unit vectors [n, D]; n may differ between processes and may be 0 on some.
        text_features: unit vectors [n, D]; row i belongs to image i, all other rows are negatives.
        logit_scale: scalar, the logarithm of one over the temperature.
        logit_bias: scalar that ``siglip`` adds to every logit, or None for 0; a softmax takes no notice of one.
        settings: which loss, over which negatives, and how.

    Raises:
        ParamsError: if a process's rows are not whole groups of local negatives.
        ValueError: if there are not as many images as texts, or no pairs at all.
    """
    counts = pair_counts(image_features, text_features)
    with torch.autocast(image_features.device.type, enabled=False):
        texts, images = widened(text_features), logit_scale.exp() * widened(image_features)
        bias = texts.new_zeros(()) if logit_bias is None else logit_bias
        if settings.group is None:
            total = _summed(images, texts, bias, settings, gather_rows)
        else:
            total = _summed_over_groups(images, texts, bias, settings, counts)
        return (total / sum(counts)).to(texts.dtype)


def _summed_over_groups(
    images: Tensor, texts: Tensor, bias: Tensor, settings: LossSettings, counts: list[int]
) -> Tensor:
    size = settings.group
    for count in counts:
        if count % size:
            raise ParamsError(
                f"a process holds {count} pairs, which are not whole groups of {size}: set group to a divisor"
            )
    groups = zip(images.split(size), texts.split(size), strict=True)
    return torch.stack([_summed(*own, bias, settings, lambda features: (features, 0)) for own in groups]).sum()


def _summed(images: Tensor, texts: Tensor, bias: Tensor, settings: LossSettings, gather: Gather) -> Tensor:
    if settings.kind == "infonce":
        if settings.tile is None:
            return dense_infonce(images, texts, gather)
        return streaming_infonce(images, texts, gather, settings.tile)
    if settings.tile is None:
        return dense_siglip(images, texts, bias, gather)
    return streaming_siglip(images, texts, bias, gather, settings.tile)


def pair_counts(image_features: Tensor, text_features: Tensor) -> list[int]:
    """Returns the pairs that each process holds, in the order of the ranks.

    Raises:
        ValueError: if there are not as many images as texts, or no pairs at all.
    """
    if image_features.shape != text_features.shape or image_features.ndim != 2:
        shapes = f"{list(image_features.shape)} and {list(text_features.shape)}"
        raise ValueError(f"features of shapes {shapes}: images and texts have the same shape [n, D]")
    counts = row_counts(text_features)
    if not sum(counts):
        raise ValueError("the batch has no pairs")
    return counts


def widened(features: Tensor) -> Tensor:
    """Returns features in float32, or in float64 where they are that."""
    return features.to(torch.promote_types(features.dtype, torch.float32))
