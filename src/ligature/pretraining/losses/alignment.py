"""The loss of AlignCLIP over a batch, as its settings say."""

from functools import partial

import torch
from torch import Tensor

from ligature.errors import TrainingError
from ligature.pretraining.losses.dense import dense_separation
from ligature.pretraining.losses.semantics import gather_semantics
from ligature.pretraining.losses.settings import AlignmentSettings
from ligature.pretraining.losses.streaming import streaming_separation
from ligature.training.losses import gather_rows
from ligature.training.losses.contrastive import pair_counts, widened
from ligature.training.losses.dense import Gather, dense_infonce
from ligature.training.losses.infonce import streaming_infonce


def alignment_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor,
    semantics: Tensor | None,
    settings: AlignmentSettings,
) -> Tensor:
    """Returns this process's share of the loss over the batch of all processes, a scalar.

    With v and t the images and texts, k the exponential of ``logit_scale``, and CE the mean cross-entropy whose
    targets are the diagonal, the loss is, as published (arXiv 2406.17639), ::

        alpha (CE(k V T') + CE(k T V')) + beta (CE(Y(V)) + CE(Y(T)))
        Y(X) = k (diag(v_i . t_i) + (X X') * D),  D = 1 - S S'

    S are the semantic vectors, and Y is taken of the modalities that are separated. With rescaling ``exponent``, row i
    of Y has k x_i . x_j + log(D_ij) beside the diagonal, D not below 0; with ``none``, D is 1 there. Without separation
    it is alpha times ``contrastive_loss``. The loss of a batch of one pair is 0.

    Summed over the processes of torch.distributed the shares are the loss, and their gradients its gradient; every
    process must compute its share and go backward. Without torch.distributed the share is the whole loss.
    Everything is computed in float32, or in float64 where the features are.

    Args:
        image_features: unit vectors [n, D]; n may differ between processes and may be 0 on some.
        text_features: unit vectors [n, D]; row i belongs to image i, all other rows are negatives.
        logit_scale: scalar, the logarithm of one over the temperature.
        semantics: vectors [n, s] of the captions, of any length; they get no gradient. None, or anything, where the
            settings take no notice of them.
        settings: which loss, and how.

    Raises:
        DataError: if semantic vectors are needed and are missing, zero, not finite, or not one a pair.
        TrainingError: if the logit scale is not a finite number.
        ValueError: if there are not as many images as texts, or no pairs at all.
    """
    counts = pair_counts(image_features, text_features)
    _check_scale(logit_scale)
    with torch.autocast(image_features.device.type, enabled=False):
        images, texts = widened(image_features), widened(text_features)
        vectors = gather_semantics(semantics, len(texts), texts.dtype) if settings.semantic else None
        if settings.form == "local":
            return _loss(images, texts, logit_scale, vectors, settings, gather_rows, sum(counts))
        (images, _), (texts, _) = gather_rows(images), gather_rows(texts)
        return _loss(images, texts, logit_scale, vectors, settings, _own_rows, len(texts)) / len(counts)


def _loss(
    images: Tensor,
    texts: Tensor,
    logit_scale: Tensor,
    semantics: Tensor | None,
    settings: AlignmentSettings,
    gather: Gather,
    pairs: int,
) -> Tensor:
    """Returns what the given rows [n, D] add to the loss of ``pairs`` pairs; semantic vectors are those of all."""
    infonce, separation = dense_infonce, dense_separation
    if settings.tile is not None:
        infonce = partial(streaming_infonce, tile=settings.tile)
        separation = partial(streaming_separation, tile=settings.tile)
    scale = logit_scale.exp()
    scaled_images = scale * images
    loss = settings.alpha * settings.directions * (infonce(scaled_images, texts, gather) / pairs).to(texts.dtype)
    if not settings.separate:
        return loss
    sides = {"image": (scaled_images, images), "text": (scale * texts, texts)}
    positives = (scaled_images * texts).sum(dim=1)
    for name in settings.separate:
        total = separation(*sides[name], positives, semantics, gather, settings.rescaling)
        loss = loss + settings.beta * (total / pairs).to(texts.dtype)
    return loss


def _check_scale(logit_scale: Tensor) -> None:
    if not 0 < logit_scale.exp() < torch.inf:
        raise TrainingError(
            f"logit_scale, the logarithm of one over the temperature, is {logit_scale.item():g}: lower learning_rate, "
            "raise warmup_steps, or keep logit_scale between bounds"
        )


def _own_rows(features: Tensor) -> tuple[Tensor, int]:
    return features, 0
