"""The Perceiver resampler of Flamingo (arXiv 2204.14198): learned queries ask the vision tokens."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ligature.captioning.connectors.base import Connector
from ligature.captioning.connectors.config import ConnectorConfig

QUERY_STD = 0.02


class PerceiverConnector(Connector):
    """A fixed number of visual tokens, whatever the number of vision tokens.

    Vision tokens are mapped to the language model's width first, as in Idefics2; a layer norm stands at the end.
    """

    def __init__(self, config: ConnectorConfig) -> None:
        """Draws queries from N(0, 0.02²); all else has PyTorch's default initialisation."""
        super().__init__(config)
        width = config.language_width
        self.map = nn.Linear(config.vision_width, width)
        self.queries = nn.Parameter(QUERY_STD * torch.randn(config.queries, width))
        self.blocks = nn.ModuleList(PerceiverBlock(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)

    def _connect(self, features: Tensor, embeddings: Tensor) -> Tensor:
        context = self.map(features)
        latents = self.queries.expand(len(features), -1, -1)
        for block in self.blocks:
            latents = block(latents, context)
        return self.norm(latents)


class PerceiverBlock(nn.Module):
    """Attention of the queries to vision tokens and queries, then an MLP; both on normed inputs, both residual."""

    def __init__(self, width: int, heads: int) -> None:
        """Builds the block; its linear maps have no biases, and the MLP is four times as wide."""
        super().__init__()
        self.heads = heads
        self.latent_norm, self.context_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_query = nn.Linear(width, width, bias=False)
        self.to_key_value = nn.Linear(width, 2 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width, bias=False),
            nn.GELU(),
            nn.Linear(4 * width, width, bias=False),
        )

    def forward(self, latents: Tensor, context: Tensor) -> Tensor:
        """Maps latents [N, Q, D] with context [N, T, D] to [N, Q, D]."""
        latents = latents + self._attend(self.latent_norm(latents), self.context_norm(context))
        return latents + self.mlp(latents)

    def _attend(self, latents: Tensor, context: Tensor) -> Tensor:
        keys, values = self.to_key_value(torch.cat([context, latents], dim=1)).chunk(2, dim=-1)
        parts = [
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.to_query(latents), keys, values)
        ]
        return self.output(functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2))
