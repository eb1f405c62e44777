"""Training images: decoded once, held in memory as bytes, in the pixels the saved image processor makes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from ligature.encoders.images import read_image
from ligature.errors import DataError

if TYPE_CHECKING:
    from transformers import ViTImageProcessorPil


def image_processor(image_size: int) -> "ViTImageProcessorPil":
    """Returns the processor saved beside the weights: plain resize, then 0..255 to -1..1."""
    from transformers import ViTImageProcessorPil

    return ViTImageProcessorPil(size={"height": image_size, "width": image_size})


def decode_images(paths: Sequence[Path], image_size: int) -> torch.Tensor:
    """Returns the images as uint8 (images, 3, image_size, image_size), resized like ``image_processor`` does.

    Raises:
        DataError: a file is missing or is no image.
    """
    pixels = np.empty((len(paths), image_size, image_size, 3), np.uint8)
    for row, path in enumerate(paths):
        try:
            image, _ = read_image(str(path))
        except ValueError as error:
            raise DataError(f"{path}: not a readable image ({error}); remove or replace it") from error
        pixels[row] = image.resize((image_size, image_size), Image.Resampling.BILINEAR)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def pixel_values(pixels: torch.Tensor) -> torch.Tensor:
    """Returns uint8 pixels as the model's input, float32 in -1..1, of the same shape."""
    return pixels.float().div_(127.5).sub_(1)
