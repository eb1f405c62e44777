"""Features of images and texts under a pre-trained pair."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ligature.cli.captions import WORKERS, unreadable
from ligature.data.images import read_image
from ligature.encoders.contrastive.folder import ContrastivePair
from ligature.encoders.contrastive.images import resize_and_crop, to_pixels

BATCH = 64
"""Images or texts that are encoded at once."""


@torch.no_grad()
def encode_images(pair: ContrastivePair, paths: Sequence[str], *, batch_size: int = BATCH) -> np.ndarray:
    """Returns unit features [n, D] float32 of images, preprocessed as for evaluation.

    Args:
        pair: model and tokenizer; the model's device computes.
        paths: of the images, as ``ligature.data.images.read_image`` takes them.
        batch_size: images a forward pass.

    Raises:
        DataError: naming an image that cannot be read.
    """
    size, device = pair.model.config.image_size, pair.model.logit_scale.device
    features = []
    with ThreadPoolExecutor(WORKERS) as threads:
        for start in range(0, len(paths), batch_size):
            images = list(threads.map(lambda path: _cropped(path, size), paths[start : start + batch_size]))
            features.append(pair.model.encode_image(to_pixels(np.stack(images)).to(device)).float().cpu().numpy())
    return np.concatenate(features)


def _cropped(path: str, size: int) -> np.ndarray:
    try:
        return np.asarray(resize_and_crop(read_image(path)[0], size))
    except ValueError as error:
        raise unreadable(path, error) from error


@torch.no_grad()
def encode_texts(pair: ContrastivePair, texts: Sequence[str], *, batch_size: int = BATCH) -> np.ndarray:
    """Returns unit features [m, D] float32 of texts; those above the context are cut before their end.

    Args:
        pair: model and tokenizer; the model's device computes.
        texts: to encode.
        batch_size: texts a forward pass.
    """
    device = pair.model.logit_scale.device
    batches = [list(texts[start : start + batch_size]) for start in range(0, len(texts), batch_size)]
    features = [pair.model.encode_text(pair.tokenizer.encode(batch).to(device)) for batch in batches]
    return torch.cat(features).float().cpu().numpy()
