"""Augmentation of a whole batch at once: small enough that colours, shapes and places keep their names."""

import torch
from torch.nn import functional


def shift_and_scale(images: torch.Tensor, *, shift: float, scale: float, generator: torch.Generator) -> torch.Tensor:
    """Returns every image moved and zoomed by its own random amount, mirrored beyond its edges.

    Args:
        images: float (images, channels, height, width).
        shift: largest move along either axis, as a fraction of half the side.
        scale: largest change of scale; 0.1 shows 0.9 to 1.1 times the side.
        generator: where the randomness comes from.
    """
    count = len(images)
    transforms = torch.zeros(count, 2, 3)
    transforms[:, 0, 0] = transforms[:, 1, 1] = 1 + scale * _symmetric((count,), generator)
    transforms[:, :, 2] = shift * _symmetric((count, 2), generator)
    grid = functional.affine_grid(transforms, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def vary_light(images: torch.Tensor, *, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Returns images whose contrast and channel means differ a little, by at most ``strength`` of -1..1."""
    count = len(images)
    contrast = 1 + strength * _symmetric((count, 1, 1, 1), generator)
    tint = strength * _symmetric((count, images.shape[1], 1, 1), generator)
    return images * contrast + tint


def _symmetric(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return 2 * torch.rand(shape, generator=generator) - 1
