"""Captions of pictures, from the picture on."""

from collections.abc import Iterable, Sequence

import torch
from PIL import Image
from torch import Tensor

from ligature.captioning.chat import Shape
from ligature.captioning.generation import Generated, GenerationSettings, generate_captions
from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.vision import split_views


@torch.no_grad()
def encode_image(model: VisionLanguageModel, image: Image.Image) -> tuple[Tensor, Shape]:
    """Returns the vision tokens [v, T, d] of an image's views, and rows and columns of its tiles.

    Args:
        model: whose tower is used, and whose config says how many tiles there may be.
        image: of any mode.
    """
    views = split_views(image.convert("RGB"), model.config.chat.tiles, model.vision.side)
    return model.vision(torch.stack([model.vision.preprocess(view) for view in views.images])), views.shape


def caption_images(
    model: VisionLanguageModel,
    images: Iterable[Image.Image],
    settings: GenerationSettings,
    *,
    prompt: int | str = 0,
    examples: Sequence[tuple[Image.Image, str]] = (),
    batch_size: int = 32,
) -> list[Generated]:
    """Captions pictures; each goes through the tower once.

    Args:
        model: as it was trained or loaded.
        images: of any mode.
        settings: of the generation.
        prompt: number of the prompt, or a text of its own.
        examples: pictures and captions that are shown before every image.
        batch_size: images that are captioned at once.

    Raises:
        ParamsError: images and chat leave no room for a caption.
    """
    shown = [(*encode_image(model, image), caption) for image, caption in examples]
    encoded = [encode_image(model, image) for image in images]
    features, shapes = [each for each, _ in encoded], [shape for _, shape in encoded]
    before = [shown] * len(encoded)
    return generate_captions(model, features, shapes, settings, prompt=prompt, examples=before, batch_size=batch_size)
