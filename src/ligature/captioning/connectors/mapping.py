"""Connectors that map every vision token by itself: one linear map, or two with a GELU between."""

from torch import Tensor, nn

from ligature.captioning.connectors.base import Connector
from ligature.captioning.connectors.config import ConnectorConfig
from ligature.captioning.connectors.shuffle import join_tokens


class LinearConnector(Connector):
    """One linear map; behind a pixel shuffle and without bias it is the connector of Idefics3 and SmolVLM."""

    def __init__(self, config: ConnectorConfig) -> None:
        """Builds the map with PyTorch's default initialisation."""
        super().__init__(config)
        self.map = nn.Linear(config.joined_width, config.language_width, bias=config.bias)

    def _connect(self, features: Tensor, embeddings: Tensor) -> Tensor:
        return self.map(join_tokens(features, self.config))


class MLPConnector(Connector):
    """Two linear maps with biases and a GELU between them, as in LLaVA-1.5 (arXiv 2310.03744)."""

    def __init__(self, config: ConnectorConfig) -> None:
        """Builds the maps with PyTorch's default initialisation."""
        super().__init__(config)
        hidden = config.hidden or config.language_width
        self.map = nn.Sequential(
            nn.Linear(config.joined_width, hidden), nn.GELU(), nn.Linear(hidden, config.language_width)
        )

    def _connect(self, features: Tensor, embeddings: Tensor) -> Tensor:
        return self.map(join_tokens(features, self.config))
