"""An image as overlapping windows, and maps of the windows as one map of the image."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Windows:
    """Square windows that cover a scaled image.

    Attributes:
        pixels: [n, side, side, 3] uint8.
        corners: top and left of each window, in pixels of the scaled image.
        size: height and width of the scaled image.
    """

    pixels: np.ndarray
    corners: list[tuple[int, int]]
    size: tuple[int, int]


def window_starts(length: int, window: int, stride: int) -> list[int]:
    """Returns where windows start that cover ``length`` pixels; the last one ends with them.

    Args:
        length: pixels to cover, at least ``window``.
        window: pixels of a window.
        stride: pixels from one window to the next, at most ``window``.
    """
    return [*range(0, length - window, stride), length - window]


def cut_windows(image: Image.Image, image_size: int, window: int, stride: int) -> Windows:
    """Scales an RGB image and cuts it into windows.

    Args:
        image: the image.
        image_size: shorter side of the scaled image, at least ``window``.
        window: side of a window.
        stride: pixels from one window to the next, at most ``window``.
    """
    scale = image_size / min(image.size)
    width, height = (max(image_size, round(side * scale)) for side in image.size)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    tops, lefts = window_starts(height, window, stride), window_starts(width, window, stride)
    corners = [(top, left) for top in tops for left in lefts]
    parts = [pixels[top : top + window, left : left + window] for top, left in corners]
    return Windows(np.stack(parts), corners, (height, width))


def merge_windows(maps: Tensor, corners: list[tuple[int, int]], size: tuple[int, int], window: int) -> Tensor:
    """Returns maps of the scaled image: those of windows, enlarged bilinearly, averaged where windows overlap.

    Args:
        maps: [n, c, g, g] maps of windows.
        corners: top and left of each window.
        size: height and width of the scaled image, which the windows cover.
        window: side of a window in pixels.

    Returns:
        [c, height, width] float32.
    """
    total = torch.zeros(maps.shape[1], *size, device=maps.device)
    count = torch.zeros(size, device=maps.device)
    for part, (top, left) in zip(maps, corners, strict=True):
        place = (slice(top, top + window), slice(left, left + window))
        total[:, *place] += _resized(part.float(), (window, window))
        count[place] += 1
    return total / count


def resize_maps(maps: Tensor, shape: tuple[int, int]) -> Tensor:
    """Returns [c, h, w] maps bilinearly at another height and width."""
    return maps if tuple(maps.shape[1:]) == tuple(shape) else _resized(maps, shape)


def _resized(maps: Tensor, shape: tuple[int, int]) -> Tensor:
    return functional.interpolate(maps[None], size=shape, mode="bilinear", align_corners=False)[0]
