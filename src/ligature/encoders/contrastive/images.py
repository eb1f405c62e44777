"""Images as the towers see them: bicubic, cropped in the middle, normalised with CLIP's mean and deviation."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ligature.store.atomic import write_json

MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Mean of red, green and blue, of 1, over CLIP's training images (arXiv 2103.00020)."""

STD = (0.26862954, 0.26130258, 0.27577711)
"""Their standard deviations."""

PREPROCESSOR = "preprocessor_config.json"


def resize_and_crop(image: Image.Image, size: int) -> Image.Image:
    """Returns the ``size`` x ``size`` middle of an RGB image whose shorter side was resized to ``size``."""
    width, height = image.size
    shorter = min(width, height)
    resized = image.resize((size * width // shorter, size * height // shorter), Image.Resampling.BICUBIC)
    left, top = (resized.width - size) // 2, (resized.height - size) // 2
    return resized.crop((left, top, left + size, top + size))


def to_pixels(images: np.ndarray | Tensor) -> Tensor:
    """Returns the towers' input, [b, 3, s, s] in float32.

    Args:
        images: bytes, [b, 3, s, s] or [b, s, s, 3]; a tensor is worked on where it is.

    Raises:
        ValueError: they are not bytes, or of another shape.
    """
    values = images if isinstance(images, Tensor) else torch.from_numpy(np.require(images, requirements="W"))
    if values.dtype != torch.uint8 or values.dim() != 4 or 3 not in (values.shape[1], values.shape[3]):
        raise ValueError(f"images are {values.dtype} {list(values.shape)}: give bytes [b, 3, s, s] or [b, s, s, 3]")
    if values.shape[1] != 3:
        values = values.permute(0, 3, 1, 2)
    mean, std = (torch.tensor(of, device=values.device)[:, None, None] for of in (MEAN, STD))
    return values.to(torch.float32, memory_format=torch.contiguous_format).div_(255).sub_(mean).div_(std)


def write_preprocessor(folder: Path, size: int) -> None:
    """Writes ``preprocessor_config.json``, from which ``transformers.CLIPImageProcessor`` does both steps."""
    square = {"height": size, "width": size}
    settings = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": size},
        "resample": int(Image.Resampling.BICUBIC),
        "do_center_crop": True,
        "crop_size": square,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(MEAN),
        "image_std": list(STD),
    }
    write_json(Path(folder) / PREPROCESSOR, settings)
