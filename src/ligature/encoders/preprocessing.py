"""Preprocessing of images: the model's own, in one pass over bytes where its steps are the usual ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ligature.encoders.pretrained import loading
from ligature.encoders.source import Source
from ligature.errors import EncoderError
from ligature.params.encoders import VisionEncoderParams

Preprocess = Callable[[Image.Image], Tensor]


def load_preprocess(params: VisionEncoderParams, source: Source) -> Preprocess:
    """Returns the preprocessing saved with a model, at the study's image size, from an RGB image to [3, h, w].

    Pillow does it always, so that installing torchvision changes no pixel.

    Raises:
        EncoderError: when it cannot be loaded, or gives images of several sizes.
    """
    from transformers import AutoImageProcessor

    with loading(params, source):
        processor = AutoImageProcessor.from_pretrained(source.folder, trust_remote_code=False, backend="pil")
    changes = _at_size(processor, params.image_size) if params.image_size else {}
    if hasattr(processor, "do_image_splitting"):  # of a vision-language model, which would go on to tiles
        changes["do_image_splitting"] = False

    def by_processor(image: Image.Image) -> Tensor:
        pixels = processor(images=image, return_tensors="pt", **changes)["pixel_values"][0]
        return pixels[-1] if pixels.dim() == 4 else pixels

    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    probes = [Image.fromarray(noise), Image.fromarray(noise.transpose(1, 0, 2).copy())]
    expected = [by_processor(probe) for probe in probes]
    if expected[0].shape != expected[1].shape:
        raise EncoderError(f"encoder {params.name!r}: its images come out in several sizes; give it an image_size")
    by_table = table_preprocess(processor, **changes)
    same = by_table and all(
        torch.equal(by_table(probe), pixels) for probe, pixels in zip(probes, expected, strict=True)
    )
    return by_table if same else by_processor


def _at_size(processor: Any, side: int) -> dict[str, Any]:
    """Returns the keywords by which a processor gives ``side`` x ``side`` pixels: its own steps, in proportion.

    Detectors bound both edges and cannot crop: they squeeze the whole image into the square.
    """
    square, size = {"height": side, "width": side}, _lengths(processor.size)
    if getattr(processor, "do_center_crop", False):
        scale = side / processor.crop_size["height"]
        return {"size": {edge: round(length * scale) for edge, length in size.items()}, "crop_size": square}
    if set(size) == {"longest_edge"} and getattr(processor, "pad_size", None):
        return {"size": {"longest_edge": side}, "pad_size": square}
    if set(size) == {"shortest_edge"}:
        return {"size": {"shortest_edge": side}, "do_center_crop": True, "crop_size": square}
    return {"size": square}


def _lengths(size: Any) -> dict[str, int]:
    return {edge: length for edge, length in dict(size or {}).items() if length}


def table_preprocess(processor: Any, **changes: Any) -> Preprocess | None:
    """Returns what an image processor does as one resize, one crop and one table of 256 numbers a channel.

    The table is the processor's own answer to every byte. None when the processor has steps of another kind.
    """

    def setting(name: str) -> Any:
        return changes.get(name, getattr(processor, name, None))

    size = _lengths(setting("size"))
    crop = _lengths(setting("crop_size")) if setting("do_center_crop") else {}
    if not setting("do_resize") or set(size) not in ({"shortest_edge"}, {"height", "width"}):
        return None
    if crop and max(crop.values()) > min(size.values()):
        return None
    ramp = Image.fromarray(np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (256, 8, 3)).copy())
    bytes_only = {"do_resize": False, "do_center_crop": False, "return_tensors": "np"}
    table = processor(images=ramp, **bytes_only)["pixel_values"][0][:, :, 0].reshape(-1)
    first = 256 * np.arange(3)[:, None, None]

    def preprocess(image: Image.Image) -> Tensor:
        resized = image.resize(_resized(image.size, size), setting("resample"))
        if crop:
            left, top = ((have - crop[edge]) // 2 for have, edge in zip(resized.size, ("width", "height"), strict=True))
            resized = resized.crop((left, top, left + crop["width"], top + crop["height"]))
        return torch.from_numpy(table[np.asarray(resized).transpose(2, 0, 1) + first])

    return preprocess


def _resized(size: tuple[int, int], target: dict[str, int]) -> tuple[int, int]:
    """Returns the width and height to resize to: exact, or with the shorter edge as wanted."""
    if "height" in target:
        return target["width"], target["height"]
    edge, (width, height) = target["shortest_edge"], size
    return (edge, int(edge * height / width)) if width <= height else (int(edge * width / height), edge)
