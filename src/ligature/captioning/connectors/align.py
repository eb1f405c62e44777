"""ALIGN: visual tokens as mixtures of the language model's own token embeddings (arXiv 2502.01341)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ligature.captioning.connectors.base import Connector
from ligature.captioning.connectors.config import ConnectorConfig
from ligature.captioning.connectors.shuffle import join_tokens
from ligature.captioning.connectors.streaming import (
    align_mixture,
    align_mixture_plain,
    mixture_entropy,
    mixture_top,
)

RANDOM_STD = 0.02


class AlignConnector(Connector):
    """``softmax(LN2(W2 LN1(W1 f)))`` over the vocabulary, times the embedding table.

    Every visual token lies in the convex hull of the token embeddings. W2 starts as the language model's head, and is
    a weight of its own also where the model ties head and table. Pruned, W2, LN2 and mixture have the kept rows only.

    Attributes:
        streamed: whether weights exist a few tokens at a time; the plain form holds all of them.
        kept: ids [pruned] of the tokens that are mixed, None for all.
    """

    def __init__(self, config: ConnectorConfig) -> None:
        """Builds the connector of ``config``; W2 is zero until ``initialise`` sets it or weights are loaded."""
        super().__init__(config)
        self.streamed = True
        width, mixed = config.language_width, config.pruned or config.vocabulary
        self.map = nn.Linear(config.joined_width, width, bias=config.bias)
        self.norm = nn.LayerNorm(width, elementwise_affine=config.affine_norm)
        self.to_vocabulary = nn.Parameter(torch.zeros(mixed, width))
        self.vocabulary_norm = nn.LayerNorm(mixed) if config.vocabulary_norm else None
        self.register_buffer("kept", None if config.pruned is None else torch.arange(mixed))

    @torch.no_grad()
    def initialise(self, embeddings: Tensor, head: Tensor | None, kept: Tensor | None) -> None:
        """Sets W2 to the rows of the head, or draws it; see ``make_connector``."""
        if kept is not None:
            self.kept.copy_(kept)
        if self.config.head_init:
            self.to_vocabulary.copy_(head if kept is None else head[kept])
        else:
            nn.init.normal_(self.to_vocabulary, std=RANDOM_STD)

    def _connect(self, features: Tensor, embeddings: Tensor) -> Tensor:
        mix = align_mixture if self.streamed else align_mixture_plain
        values = embeddings if self.kept is None else functional.embedding(self.kept, embeddings)
        queries = self._queries(features)
        return mix(queries.flatten(0, 1), self.to_vocabulary, values, *self._norm()).unflatten(0, queries.shape[:2])

    def entropy(self, features: Tensor) -> Tensor:
        """Returns the entropy [N, T'] of the weights of every visual token in nats, at most log V."""
        queries = self._queries(self._checked(features))
        return mixture_entropy(queries.flatten(0, 1), self.to_vocabulary, *self._norm()).unflatten(0, queries.shape[:2])

    def top_tokens(self, features: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Returns the tokens that weigh most in every visual token, the heaviest first.

        Args:
            features: vision tokens [N, T, d].
            count: tokens that are wanted of each; no more than are mixed.

        Returns:
            Token ids of the language model [N, T', count] and their weights.
        """
        queries = self._queries(self._checked(features))
        rows, weights = mixture_top(queries.flatten(0, 1), self.to_vocabulary, *self._norm(), count=count)
        ids = rows if self.kept is None else self.kept[rows]
        return ids.unflatten(0, queries.shape[:2]), weights.unflatten(0, queries.shape[:2])

    def _queries(self, features: Tensor) -> Tensor:
        return self.norm(self.map(join_tokens(features, self.config)))

    def _norm(self) -> tuple[Tensor | None, Tensor | None]:
        norm = self.vocabulary_norm
        return (None, None) if norm is None else (norm.weight, norm.bias)
