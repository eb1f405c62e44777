"""Random crops of training images, each a function of seed, epoch and image alone."""

import math

import numpy as np
from PIL import Image

ASPECT_RATIOS = (3 / 4, 4 / 3)
"""Width over height of a crop, least and largest; torchvision's and OpenCLIP's."""
ATTEMPTS = 10
"""Crops that are tried before the middle of the image is taken."""
_KEY = 2
"""Sets the stream of the crops apart from those of mixtures and epochs, whose keys have other ends."""


def crop_generator(seed: int, epoch: int, image_row: int) -> np.random.Generator:
    """Returns the generator of an image's crop in an epoch, independent of all other images."""
    return np.random.default_rng([seed, epoch, image_row, _KEY])


def random_crop_box(
    width: int, height: int, area: tuple[float, float], generator: np.random.Generator
) -> tuple[int, int, int, int]:
    """Draws the crop that torchvision's ``RandomResizedCrop`` defines (Szegedy et al., 2015, section 6).

    Its share of the area is uniform in ``area``, its aspect ratio log-uniform in ``ASPECT_RATIOS``; crops that do not
    fit are drawn again up to ``ATTEMPTS`` times, then the largest central crop within those ratios is taken.

    Args:
        width: of the image in pixels.
        height: of the image in pixels.
        area: least and largest share of the image's area.
        generator: where the randomness comes from.

    Returns:
        Left, top, right and bottom in pixels, as Pillow's ``crop`` takes them.
    """
    low, high = (math.log(ratio) for ratio in ASPECT_RATIOS)
    for share, place in generator.random((ATTEMPTS, 2)).tolist():
        pixels = width * height * (area[0] + (area[1] - area[0]) * share)
        ratio = math.exp(low + (high - low) * place)
        wide, tall = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if 0 < wide <= width and 0 < tall <= height:
            left, top = generator.integers([width - wide + 1, height - tall + 1]).tolist()
            return left, top, left + wide, top + tall
    return _central_crop_box(width, height)


def _central_crop_box(width: int, height: int) -> tuple[int, int, int, int]:
    least, largest = ASPECT_RATIOS
    wide, tall = min(width, round(height * largest)), min(height, round(width / least))
    left, top = (width - wide) // 2, (height - tall) // 2
    return left, top, left + wide, top + tall


def random_resized_crop(
    image: Image.Image, size: int, area: tuple[float, float], generator: np.random.Generator
) -> Image.Image:
    """Returns a random crop of an RGB image, ``size`` x ``size``, by Pillow's bicubic filter."""
    box = random_crop_box(*image.size, area, generator)
    return image.crop(box).resize((size, size), Image.Resampling.BICUBIC)
