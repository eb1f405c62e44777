"""Cosines of projected patches with texts, as maps of an image."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ligature.errors import EncoderError
from ligature.evaluation.segmentation.windows import Windows, merge_windows, resize_maps

TEXTS = 16
"""Texts whose maps are in memory at once."""
PROBE = 32
"""Side in pixels of the plain pictures that an encoder's preprocessing is asked about."""


def pixel_table(preprocess: Callable[[Image.Image], Tensor]) -> np.ndarray:
    """Returns what an encoder's preprocessing makes of every byte, [3, 256] float32.

    A picture of one colour keeps it under any resizing and cropping, so this is the normalisation alone, without
    the margin that many encoders crop away. It is a scale and a shift a channel, so black and white are asked for.
    """
    black, white = (
        preprocess(Image.new("RGB", (PROBE, PROBE), colour)).double().mean(dim=(1, 2)).numpy()
        for colour in ("black", "white")
    )
    return np.linspace(black, white, 256, axis=1).astype(np.float32)


@dataclass(frozen=True)
class ScoreMaps:
    """Cosines of the patches of an image's windows with texts.

    Attributes:
        maps: [n, k, g, g] of n windows and k texts.
        windows: where the windows stand.
    """

    maps: Tensor
    windows: Windows

    def at(self, texts: Sequence[int], shape: tuple[int, int]) -> Tensor:
        """Returns the maps of some texts at the height and width of a mask, [texts, height, width] float32."""
        side = self.windows.pixels.shape[1]
        merged = merge_windows(self.maps[:, list(texts)], self.windows.corners, self.windows.size, side)
        return resize_maps(merged, shape)

    def best(
        self, texts: Sequence[int], classes: Sequence[int], shape: tuple[int, int], *, chunk: int = TEXTS
    ) -> np.ndarray:
        """Returns the class of the best text at every pixel, [height, width] uint8; of equal texts the first.

        Args:
            texts: the texts that compete.
            classes: class of each of them; several texts may stand for one class.
            shape: height and width.
            chunk: texts whose maps are in memory at once.
        """
        owner = torch.tensor(classes, dtype=torch.uint8, device=self.maps.device)
        highest = torch.full(shape, -math.inf, device=self.maps.device)
        best = torch.zeros(shape, dtype=torch.uint8, device=self.maps.device)
        for start in range(0, len(texts), chunk):
            scores, first = self.at(texts[start : start + chunk], shape).max(dim=0)
            higher = scores > highest
            highest = torch.where(higher, scores, highest)
            best = torch.where(higher, owner[start : start + chunk][first], best)
        return best.cpu().numpy()


@torch.inference_mode()
def score_maps(
    windows: Windows,
    table: np.ndarray,
    patches_of: Callable[[Tensor], Tensor],
    texts: Tensor,
    *,
    batch_size: int = 16,
) -> ScoreMaps:
    """Returns the cosines of every patch of every window with every text.

    Args:
        windows: of one image.
        table: [3, 256] normalised value of every byte, as ``pixel_table`` returns it.
        patches_of: from [b, 3, side, side] normalised pixels to [b, g * g, d] patches in the joint space.
        texts: [k, d] of unit length.
        batch_size: windows a forward pass.

    Raises:
        EncoderError: when the patches are no square grid.
    """
    parts = []
    for start in range(0, len(windows.pixels), batch_size):
        levels = windows.pixels[start : start + batch_size].transpose(0, 3, 1, 2)
        patches = patches_of(torch.from_numpy(table[np.arange(3)[:, None, None], levels]))
        side = math.isqrt(patches.shape[1])
        if side == 0 or side * side != patches.shape[1]:
            raise EncoderError(f"{patches.shape[1]} patch tokens are no square grid; choose another vision encoder")
        cosines = functional.normalize(patches.float(), dim=-1) @ texts.to(patches.device).T
        parts.append(cosines.transpose(1, 2).unflatten(2, (side, side)))
    return ScoreMaps(torch.cat(parts), windows)
