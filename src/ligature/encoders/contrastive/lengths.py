"""Texts of a batch encoded in groups of like length, so that little of the work is spent on padding."""

from collections.abc import Callable

import torch
from torch import Tensor

GROUPS = 4
"""Groups of a batch: captions then spend about a tenth of the work on padding, and products stay large."""


def encode_by_length(encode: Callable[[Tensor], Tensor], tokens: Tensor, end_token: int) -> Tensor:
    """Returns what ``encode(tokens)`` returns, but for rounding: what follows a text's end changes nothing.

    Args:
        encode: maps token numbers [b, l] to features [b, D].
        tokens: [B, L], every row with an end token.
        end_token: number of the end token; a text ends at its first one.
    """
    lengths = (tokens == end_token).int().argmax(dim=1) + 1
    order = lengths.argsort(stable=True)
    features = [encode(tokens[rows, : int(lengths[rows[-1]])]) for rows in order.chunk(GROUPS)]
    return torch.cat(features)[order.argsort()]
