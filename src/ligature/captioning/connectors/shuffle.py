"""Squares of neighbouring vision tokens put together into one token (space to depth, called pixel shuffle)."""

from torch import Tensor

from ligature.captioning.connectors.config import ConnectorConfig


def pixel_shuffle(features: Tensor, grid: tuple[int, int], factor: int) -> Tensor:
    """Returns tokens [N, T / factor², d · factor²] of tokens [N, T, d] that lie row by row on a grid.

    A new token holds its square row by row, all channels of a token together: the order of Idefics3 and SmolVLM.

    Args:
        features: tokens [N, T, d].
        grid: rows and columns of the tokens, both multiples of ``factor``.
        factor: side of a square.
    """
    (rows, columns), width = grid, features.shape[-1]
    squares = features.reshape(len(features), rows // factor, factor, columns // factor, factor, width)
    joined = squares.transpose(2, 3)
    return joined.reshape(len(features), -1, width * factor**2)


def join_tokens(features: Tensor, config: ConnectorConfig) -> Tensor:
    """Returns the tokens [N, T', d · factor²] that a connector maps, its squares of tokens [N, T, d] put together."""
    return features if config.factor == 1 else pixel_shuffle(features, config.grid, config.factor)
