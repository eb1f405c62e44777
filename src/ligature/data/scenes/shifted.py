"""Shifted scenes: other things than in the COCO-like splits, seen by another camera."""

import numpy as np
from PIL import Image, ImageFilter

from ligature.data.scenes.scene import Scene
from ligature.data.scenes.vocabulary import BACKGROUNDS

RARE_BACKGROUNDS = BACKGROUNDS[len(BACKGROUNDS) // 2 :]
MIN_OBJECTS = 2

BLUR = 0.008
"""Deviation of the blur, as a fraction of the image side."""
CAST = (1.06, 0.98, 0.80)
"""What the camera does to red, green and blue: light of the evening."""
CONTRAST = 0.8
GRAIN = 5.0
"""Deviation of the grain, of 255."""


def is_shifted(scene: Scene) -> bool:
    """Whether shifted splits may hold a scene: several objects before one of the rarer backgrounds."""
    return len(scene.objects) >= MIN_OBJECTS and scene.background in RARE_BACKGROUNDS


def photograph(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns a picture as the other camera sees it: soft, warm, flat and grainy.

    Args:
        picture: uint8 (height, width, 3).
        rng: of the grain.
    """
    soft = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(BLUR * len(picture)))
    flat = 128 + (np.asarray(soft, np.float64) * CAST - 128) * CONTRAST
    return np.clip(flat + rng.normal(0, GRAIN, picture.shape) + 0.5, 0, 255).astype(np.uint8)
