"""Images and texts through frozen encoders into what the projector takes in the mode it was trained in."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ligature.data.images import read_image
from ligature.encoders.text import TextEncoder
from ligature.encoders.vision import VisionEncoder, VisionFeatures
from ligature.errors import DataError

ImageLike = Image.Image | str | Path


def upright_image(image: ImageLike) -> Image.Image:
    """Returns a PIL image, or that of a file, in RGB and turned upright by its EXIF orientation.

    Raises:
        DataError: naming a file that cannot be read, or something that is neither an image nor a path.
    """
    if isinstance(image, str | Path):
        try:
            return read_image(str(image))[0]
        except ValueError as error:
            raise DataError(f"{str(image)[:300]}: {error}; give another image") from error
    if not isinstance(image, Image.Image):
        raise DataError(f"an image must be a PIL image or the path of a file, not {type(image).__name__}")
    pixels = image.convert("RGB")
    with contextlib.suppress(Exception):  # a broken EXIF block says nothing of the orientation
        pixels = ImageOps.exif_transpose(pixels)
    return pixels


def preprocess_images(encoder: VisionEncoder, images: Sequence[ImageLike]) -> Tensor:
    """Returns the pixels of images as the encoder takes them, [n, 3, h, w]."""
    return torch.stack([encoder.preprocess(upright_image(image)) for image in images])


def image_inputs(features: VisionFeatures, mode: str, pooling: str, regions: int) -> dict[str, Tensor | None]:
    """Returns the arguments of ``Projector.encode_image``.

    Args:
        features: of the vision encoder.
        mode: of the training.
        pooling: of the encoder; decides in mode ``pooled`` which of CLS token and patch mean are used.
        regions: side of the grid of patch means in mode ``regions``.
    """
    cls, patches = features.cls, features.patches
    if mode == "pooled":
        pooled = features.pooled(pooling)  # says in one line what the encoder has not
        if pooling == "all":
            return {"cls": None, "local": pooled}
        return {
            "cls": cls if "cls" in pooling else None,
            "local": patches.mean(dim=1) if "mean" in pooling else None,
        }
    tokens = features.regions(regions) if mode == "regions" else features.tokens()
    local = tokens if cls is None else tokens[:, 1:]
    return {"cls": cls, "local": local if local.shape[1] else None}


def text_inputs(encoder: TextEncoder, texts: Sequence[str], mode: str) -> tuple[Tensor, Tensor | None]:
    """Returns the arguments of ``Projector.encode_text``: vectors, or tokens and their mask.

    Raises:
        DataError: tokens are asked of an encoder that has none.
    """
    features = encoder.forward(list(texts))
    if mode in ("pooled", "regions"):
        return features.pooled, None
    if features.tokens is None:
        raise DataError(f"encoder {encoder.name!r} has no token states, but the projector takes tokens")
    return features.tokens, features.mask


def check_texts(texts: Sequence[str]) -> list[str]:
    """Returns texts as a list.

    Raises:
        DataError: one of them is no string.
    """
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise DataError(f"a text must be a string, not {type(wrong).__name__}")
    return list(texts)


def longest_first(encoder: TextEncoder, texts: Sequence[str]) -> np.ndarray:
    """Returns the order of texts from the longest to the shortest, so that batches need little padding."""
    lengths = encoder.token_lengths(texts) if texts else []
    return np.argsort(-np.array(lengths, dtype=np.int64), kind="stable")
