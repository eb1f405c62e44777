"""The separation of one modality straight from its formula, with all logits in memory."""

import torch
from torch import Tensor
from torch.nn import functional

from ligature.pretraining.losses.semantics import log_distances
from ligature.training.losses.dense import Gather


def dense_separation(
    scaled: Tensor,
    features: Tensor,
    positives: Tensor,
    semantics: Tensor | None,
    gather: Gather,
    rescaling: str,
) -> Tensor:
    """Returns the cross-entropy of every sample's own pair among the samples of its modality, summed over the given.

    Args:
        scaled: unit rows of one modality times the logit scale, [n, D].
        features: the same unit rows [n, D].
        positives: logits of the samples' own pairs, [n].
        semantics: unit rows of all samples, [b, s]; of no use without rescaling.
        gather: gives all rows [b, D].
        rescaling: ``cosine``, ``exponent`` or ``none``.
    """
    columns, offset = gather(features)
    logits = scaled @ columns.T
    if rescaling != "none":
        distances = 1 - semantics[offset : offset + len(scaled)] @ semantics.T
        logits = logits * distances if rescaling == "cosine" else logits + log_distances(distances)
    logits = logits.diagonal_scatter(positives, offset)
    targets = offset + torch.arange(len(scaled), device=scaled.device)
    return functional.cross_entropy(logits, targets, reduction="sum")
