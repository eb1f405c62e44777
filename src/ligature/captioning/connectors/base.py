"""What all connectors share."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from ligature.captioning.connectors.config import ConnectorConfig
from ligature.errors import DataError


class Connector(nn.Module, ABC):
    """Turns the vision tokens of a view into inputs of a language model.

    Attributes:
        config: the sizes of the connector.
    """

    def __init__(self, config: ConnectorConfig) -> None:
        """Keeps ``config``; a kind adds its weights."""
        super().__init__()
        self.config = config

    def forward(self, features: Tensor, embeddings: Tensor) -> Tensor:
        """Returns visual tokens [N, T', D] in the type of the embeddings.

        Args:
            features: vision tokens [N, T, d].
            embeddings: the language model's embedding table [V, D], which only some kinds read. It is no parameter
                of the connector; gradients reach it where it is trained.

        Raises:
            DataError: if features or embeddings have other sizes than the connector.
        """
        wanted = self.config.vocabulary, self.config.language_width
        if embeddings.shape != wanted:
            raise DataError(f"an embedding table of {list(embeddings.shape)} for a connector made for {list(wanted)}")
        return self._connect(self._checked(features), embeddings).to(embeddings.dtype)

    @abstractmethod
    def _connect(self, features: Tensor, embeddings: Tensor) -> Tensor:
        """Maps [N, T, d] and [V, D] to [N, T', D]."""

    def entropy(self, features: Tensor) -> Tensor | None:
        """Returns the entropy [N, T'] of the weights of every visual token in nats; None for kinds that mix nothing.

        Args:
            features: vision tokens [N, T, d].
        """
        return None

    def initialise(self, embeddings: Tensor, head: Tensor | None, kept: Tensor | None) -> None:
        """Sets the weights that start from the language model's own; see ``make_connector``."""
        return None

    def count_parameters(self, trainable: bool = True) -> int:
        """Returns the number of trainable parameters, or of all of them."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad or not trainable)

    def _checked(self, features: Tensor) -> Tensor:
        wanted = self.config.tokens, self.config.vision_width
        if features.ndim != 3 or features.shape[1:] != wanted:
            raise DataError(
                f"vision features of {list(features.shape)} for a connector made for [N, T, d] = [N, "
                f"{wanted[0]}, {wanted[1]}]"
            )
        return features.to(next(self.parameters()).dtype)
