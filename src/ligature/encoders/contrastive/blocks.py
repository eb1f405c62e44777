"""Residual transformer blocks: normalised before attention and MLP, with or without a causal mask."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint


class Attention(nn.Module):
    """Self-attention of several heads, by ``scaled_dot_product_attention``."""

    def __init__(self, width: int, heads: int) -> None:
        """Builds one map to queries, keys and values, and one from the heads to the output."""
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Tensor, causal: bool) -> Tensor:
        """Maps [B, T, width] to [B, T, width]; with ``causal``, a token sees itself and those before it."""
        queries, keys, values = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()
        mixed = functional.scaled_dot_product_attention(queries, keys, values, is_causal=causal)
        return self.output(mixed.transpose(1, 2).flatten(2))


class LayerScale(nn.Module):
    """One learned factor a channel (arXiv 2103.17239)."""

    def __init__(self, width: int, start: float) -> None:
        """Starts all factors at ``start``."""
        super().__init__()
        self.factors = nn.Parameter(torch.full((width,), start))

    def forward(self, tokens: Tensor) -> Tensor:
        """Multiplies [..., width] channel by channel."""
        return tokens * self.factors


class Block(nn.Module):
    """``x + Attention(LayerNorm(x))``, then ``x + MLP(LayerNorm(x))``, the MLP four times as wide, with exact GELU."""

    def __init__(self, width: int, heads: int, layer_scale: float | None) -> None:
        """Builds the block; ``layer_scale`` starts the factors of both branches, None leaves them out."""
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.attention_scale = nn.Identity() if layer_scale is None else LayerScale(width, layer_scale)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mlp_scale = nn.Identity() if layer_scale is None else LayerScale(width, layer_scale)

    def forward(self, tokens: Tensor, causal: bool) -> Tensor:
        """Maps [B, T, width] to [B, T, width]."""
        tokens = tokens + self.attention_scale(self.attention(self.attention_norm(tokens), causal))
        return tokens + self.mlp_scale(self.mlp(self.mlp_norm(tokens)))


class Blocks(nn.Module):
    """The blocks of a tower, or of both.

    Weights start as normal deviates (as in CLIP): queries, keys and values of standard deviation ``width**-0.5``, the
    hidden layer of the MLP ``(2 * width)**-0.5``, and the two outputs ``(2 * layers * width)**-0.5``, so that what the
    blocks add up to does not grow with their number. Biases start at zero.

    Attributes:
        checkpointing: whether the backward pass computes the inside of every block again instead of keeping it.
    """

    def __init__(self, width: int, layers: int, heads: int, layer_scale: float | None = None) -> None:
        """Builds ``layers`` blocks with weights from torch's global generator."""
        super().__init__()
        self.layers = nn.ModuleList(Block(width, heads, layer_scale) for _ in range(layers))
        self.checkpointing = False
        for block in self.layers:
            _start(block.attention.qkv, width**-0.5)
            _start(block.attention.output, (2 * layers * width) ** -0.5)
            _start(block.mlp[0], (2 * width) ** -0.5)
            _start(block.mlp[2], (2 * layers * width) ** -0.5)

    def forward(self, tokens: Tensor, *, causal: bool) -> Tensor:
        """Maps [B, T, width] to [B, T, width]; with ``causal``, a token sees itself and those before it."""
        for block in self.layers:
            if self.checkpointing:
                tokens = checkpoint(block, tokens, causal, use_reentrant=False, preserve_rng_state=False)
            else:
                tokens = block(tokens, causal)
        return tokens


def _start(layer: nn.Linear, deviation: float) -> None:
    nn.init.normal_(layer.weight, std=deviation)
    nn.init.zeros_(layer.bias)
