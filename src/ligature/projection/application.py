"""A trained projector applied to whole feature arrays."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ligature.projection.features import Features, ImageFeatures, collate
from ligature.projection.preparation import check_width, select_images
from ligature.projection.projector import Projector


def project_images(projector: Projector, images: ImageFeatures, batch_size: int = 1024) -> np.ndarray:
    """Returns unit image features [n, embed_dim], float32, computed on the projector's device without dropout.

    Raises:
        DataError: if features of a branch are missing.
        ParamsError: if their width is not the projector's.
    """
    images = select_images(projector.config, images)
    device = projector.logit_scale.device
    return _in_batches(
        projector, len(images), batch_size, lambda rows: projector.encode_image(**images.collate(rows, device))
    )


def project_texts(projector: Projector, texts: Features, batch_size: int = 1024) -> np.ndarray:
    """Returns unit text features [m, embed_dim], float32, computed on the projector's device without dropout.

    Raises:
        ParamsError: if their width is not the projector's.
    """
    check_width("text_dim", projector.config.text_dim, texts)
    device = projector.logit_scale.device
    return _in_batches(
        projector, len(texts), batch_size, lambda rows: projector.encode_text(*collate(texts, rows, device))
    )


@torch.no_grad()
def _in_batches(
    projector: Projector, count: int, batch_size: int, encode: Callable[[np.ndarray], Tensor]
) -> np.ndarray:
    was_training = projector.training
    projector.eval()
    starts = range(0, count, batch_size)
    parts = [encode(np.arange(start, min(start + batch_size, count))).cpu().numpy() for start in starts]
    projector.train(was_training)
    return np.concatenate(parts)
