"""The image and the text tower: stems of their own, and blocks, last norm and projection of their own or shared."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ligature.encoders.contrastive.blocks import Blocks
from ligature.encoders.contrastive.config import ContrastiveConfig


class Parts(NamedTuple):
    """What two towers can share.

    Attributes:
        blocks: from the stem's tokens to contextual ones.
        norm: the last normalisation.
        projection: into the joint space, without bias.
    """

    blocks: Blocks
    norm: nn.LayerNorm
    projection: nn.Linear


def make_parts(config: ContrastiveConfig) -> tuple[Parts, Parts]:
    """Returns the parts of the image and of the text tower; a shared one is the same module in both."""
    image = Parts(
        Blocks(config.width, config.layers, config.heads, config.layer_scale),
        nn.LayerNorm(config.width),
        _projection(config.width, config.embed_dim),
    )
    text = Parts(
        image.blocks
        if "blocks" in config.shared
        else Blocks(config.text_width, config.text_layers, config.text_heads, config.layer_scale),
        image.norm if "norm" in config.shared else nn.LayerNorm(config.text_width),
        image.projection if "projection" in config.shared else _projection(config.text_width, config.embed_dim),
    )
    return image, text


class ImageTower(nn.Module):
    """A vision transformer: patches, class token, positions and a first norm, then the parts."""

    def __init__(self, config: ContrastiveConfig, parts: Parts) -> None:
        """Builds the stem: class token and positions start with variance 1 / width, patches as PyTorch does."""
        super().__init__()
        width, patch = config.width, config.patch_size
        self.patches = nn.Conv2d(3, width, kernel_size=patch, stride=patch, bias=False)
        self.class_token = nn.Parameter(width**-0.5 * torch.randn(width))
        self.positions = nn.Parameter(width**-0.5 * torch.randn(1 + config.patches, width))
        self.first_norm = nn.LayerNorm(width)
        self.blocks, self.norm, self.projection = parts

    def forward(self, pixels: Tensor) -> Tensor:
        """Maps pixels [B, 3, S, S] to features [B, embed_dim] of the class token, not normalised."""
        return self.projection(self.norm(self._hidden(pixels)[:, 0]))

    def tokens(self, pixels: Tensor) -> Tensor:
        """Maps pixels [B, 3, S, S] to tokens [B, 1 + T, width] after the last norm, the class token first."""
        return self.norm(self._hidden(pixels))

    def _hidden(self, pixels: Tensor) -> Tensor:
        patches = self.patches(pixels).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(pixels), 1, -1), patches], dim=1)
        return self.blocks(self.first_norm(tokens + self.positions), causal=False)


class TextTower(nn.Module):
    """A causal transformer over tokens, read at the first end token."""

    def __init__(self, config: ContrastiveConfig, parts: Parts) -> None:
        """Builds the stem: tokens start with standard deviation 0.02, positions with 0.01."""
        super().__init__()
        self.end_token = config.end_token
        self.embedding = nn.Embedding(config.vocabulary_size, config.text_width)
        self.positions = nn.Parameter(0.01 * torch.randn(config.context_length, config.text_width))
        self.blocks, self.norm, self.projection = parts
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps tokens [B, L] to features [B, embed_dim] of the first end token, not normalised.

        No token sees a later one, so nothing after the end token plays a part, and padding needs no mask.
        """
        hidden = self.blocks(self.embedding(tokens) + self.positions[: tokens.shape[1]], causal=True)
        end = (tokens == self.end_token).int().argmax(dim=1)  # the first of equal values
        return self.projection(self.norm(hidden[torch.arange(len(tokens), device=tokens.device), end]))


def _projection(width: int, embed_dim: int) -> nn.Linear:
    projection = nn.Linear(width, embed_dim, bias=False)
    nn.init.normal_(projection.weight, std=width**-0.5)
    return projection
