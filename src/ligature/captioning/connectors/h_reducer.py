"""The H-Reducer of mPLUG-DocOwl 1.5 (arXiv 2403.12895): neighbours of a row become one token."""

from torch import Tensor, nn

from ligature.captioning.connectors.base import Connector
from ligature.captioning.connectors.config import ConnectorConfig


class HReducerConnector(Connector):
    """A convolution of one row by ``reduction`` columns, as far apart as it is wide, and a linear map."""

    def __init__(self, config: ConnectorConfig) -> None:
        """Builds convolution and map, both with biases, with PyTorch's default initialisation."""
        super().__init__(config)
        width, block = config.vision_width, (1, config.reduction)
        self.reduce = nn.Conv2d(width, width, kernel_size=block, stride=block)
        self.map = nn.Linear(width, config.language_width)

    def _connect(self, features: Tensor, embeddings: Tensor) -> Tensor:
        picture = features.transpose(1, 2).unflatten(-1, self.config.grid)
        return self.map(self.reduce(picture).flatten(2).transpose(1, 2))
