"""Pictures of predicted masks beside the photograph and the truth."""

import numpy as np
from PIL import Image

from ligature.data.scenes.files import voc_palette

HEIGHT = 240
"""Height in pixels of a picture."""
WIDEST = 480
"""Largest width of one of its three panels."""
OPACITY = 0.65
GAP = 4


def class_colour(index: int) -> str:
    """Returns the colour of a class in Pascal VOC's palette as six hex digits after a ``#``."""
    return "#" + bytes(voc_palette()[3 * index : 3 * index + 3]).hex()


def overlay(image: Image.Image, truth: np.ndarray, predicted: np.ndarray) -> Image.Image:
    """Returns the image, its true and its predicted mask side by side, masks in Pascal VOC's colours.

    Args:
        image: in RGB.
        truth: [h, w] uint8 classes, 255 void, of the image's size.
        predicted: [h, w] uint8 classes.
    """
    width = min(WIDEST, max(1, round(image.width * HEIGHT / image.height)))
    photo = image.resize((width, HEIGHT), Image.Resampling.BICUBIC)
    panels = [photo, *(Image.blend(photo, _coloured(mask, photo.size), OPACITY) for mask in (truth, predicted))]
    sheet = Image.new("RGB", (3 * width + 2 * GAP, HEIGHT), "white")
    for number, panel in enumerate(panels):
        sheet.paste(panel, (number * (width + GAP), 0))
    return sheet


def _coloured(mask: np.ndarray, size: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(mask)
    picture.putpalette(voc_palette())
    return picture.resize(size, Image.Resampling.NEAREST).convert("RGB")
