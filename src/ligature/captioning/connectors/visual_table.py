"""The visual embedding table of Ovis (arXiv 2405.20797): mixtures of a table of the connector's own."""

import torch
from torch import Tensor, nn

from ligature.captioning.connectors.base import Connector
from ligature.captioning.connectors.config import ConnectorConfig
from ligature.captioning.connectors.shuffle import join_tokens
from ligature.captioning.connectors.streaming import align_mixture, mixture_entropy


class VisualTableConnector(Connector):
    """``softmax(W f)`` over the rows of a learned table, times that table."""

    def __init__(self, config: ConnectorConfig) -> None:
        """Builds map and table; the table is zero until ``initialise`` draws it or weights are loaded."""
        super().__init__(config)
        rows = config.table or config.vocabulary
        self.to_table = nn.Linear(config.joined_width, rows, bias=False)
        self.table = nn.Parameter(torch.zeros(rows, config.language_width))

    @torch.no_grad()
    def initialise(self, embeddings: Tensor, head: Tensor | None, kept: Tensor | None) -> None:
        """Draws the table with mean and standard deviation of the language model's embeddings."""
        nn.init.normal_(self.table, embeddings.float().mean().item(), embeddings.float().std().item())

    def _connect(self, features: Tensor, embeddings: Tensor) -> Tensor:
        joined = join_tokens(features, self.config)
        return align_mixture(joined.flatten(0, 1), self.to_table.weight, self.table).unflatten(0, joined.shape[:2])

    def entropy(self, features: Tensor) -> Tensor:
        """Returns the entropy [N, T'] of the weights of every visual token in nats, at most that of the table."""
        joined = join_tokens(self._checked(features), self.config)
        return mixture_entropy(joined.flatten(0, 1), self.to_table.weight).unflatten(0, joined.shape[:2])
