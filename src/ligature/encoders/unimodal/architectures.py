"""The two small vision architectures, their sizes, and the pooled features they are trained on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ligature.errors import EncoderError

if TYPE_CHECKING:
    from transformers import Dinov2Model, PreTrainedModel, ResNetModel


@dataclass(frozen=True)
class VitSize:
    """Size of a Dinov2Model.

    Attributes:
        patch_size: side of a patch in pixels.
        hidden_size: width of the tokens.
        layers: number of transformer layers.
        heads: number of attention heads.
        mlp_ratio: width of the MLP over that of the tokens.
    """

    patch_size: int = 16
    hidden_size: int = 128
    layers: int = 2
    heads: int = 4
    mlp_ratio: int = 2


@dataclass(frozen=True)
class ResNetSize:
    """Size of a ResNetModel of basic layers.

    Attributes:
        stem: channels of the first convolution.
        widths: channels of every stage; each after the first halves the resolution.
        blocks: residual blocks of every stage.
    """

    stem: int = 16
    widths: tuple[int, ...] = (16, 48, 160)
    blocks: tuple[int, ...] = (1, 1, 1)


VIT = VitSize()
"""Sixteen patches of a 64-pixel image. Smaller patches or more layers learn colours but hardly shapes from a
few thousand images in about a minute."""

RESNET = ResNetSize()
"""A last map of 4 x 4 for a 64-pixel image. One of 2 x 2 is twice as fast and classifies single objects as
well, but keeps much less of scenes with several."""


def build_vision_model(
    architecture: str, image_size: int, *, size: VitSize | ResNetSize | None = None
) -> "PreTrainedModel":
    """Returns a vision model with random weights from torch's global generator.

    Args:
        architecture: ``vit`` (Dinov2Model) or ``resnet`` (ResNetModel).
        image_size: side of the square input in pixels.
        size: ``VIT`` or ``RESNET`` by default.

    Raises:
        EncoderError: the image is not made of whole patches.
    """
    if architecture == "vit":
        return _vit(size or VIT, image_size)
    return _resnet(size or RESNET)


def _vit(size: VitSize, image_size: int) -> "Dinov2Model":
    from transformers import Dinov2Config, Dinov2Model

    if image_size % size.patch_size:
        raise EncoderError(f"image_size {image_size} is no multiple of the patch size of a vit, {size.patch_size}")
    config = Dinov2Config(
        image_size=image_size,
        patch_size=size.patch_size,
        hidden_size=size.hidden_size,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        mlp_ratio=size.mlp_ratio,
        use_mask_token=False,
    )
    return Dinov2Model(config)


def _resnet(size: ResNetSize) -> "ResNetModel":
    from transformers import ResNetConfig, ResNetModel

    config = ResNetConfig(
        embedding_size=size.stem,
        hidden_sizes=list(size.widths),
        depths=list(size.blocks),
        layer_type="basic",
    )
    return ResNetModel(config).to(memory_format=torch.channels_last)


def pooled_features(model: "PreTrainedModel", pixel_values: torch.Tensor) -> torch.Tensor:
    """Returns one vector an image, (images, dims): CLS beside the mean patch, or the mean of the last map."""
    tokens = model(pixel_values=pixel_values).last_hidden_state
    if tokens.ndim == 4:
        return tokens.mean(dim=(2, 3))
    return torch.cat([tokens[:, 0], tokens[:, 1:].mean(dim=1)], dim=1)


def feature_width(model: "PreTrainedModel") -> int:
    """Returns the width of ``pooled_features``."""
    if model.config.model_type == "resnet":
        return model.config.hidden_sizes[-1]
    return 2 * model.config.hidden_size
