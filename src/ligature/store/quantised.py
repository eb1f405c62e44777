"""Vectors in eight bits: a symmetric scale for every vector, so that one outlier costs its own vector only."""

import numpy as np

LEVELS = 127
"""Largest code; -128 is not used, so that codes are symmetric around zero."""
_BLOCK = 1 << 16


def quantise(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rounds vectors to int8 codes; ``codes * scale`` differs from a vector by half its scale at most.

    The scale is the largest magnitude of the vector over 127 (absmax quantisation, as of Dettmers et al., 2022).

    Args:
        vectors: [n, d], finite.

    Returns:
        Codes [n, d] int8 and scales [n] float32, which are positive, also of a vector of zeros.
    """
    codes, scales = np.empty(vectors.shape, np.int8), np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[start : start + _BLOCK], dtype=np.float32)
        largest = np.abs(block).max(axis=1, initial=0)
        scale = np.maximum(largest / np.float32(LEVELS), np.finfo(np.float32).tiny)
        codes[start : start + _BLOCK] = np.rint(block / scale[:, None])
        scales[start : start + _BLOCK] = scale
    return codes, scales


def dequantise(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Returns [..., d] float32 from int8 codes [..., d] and their scales [...]."""
    return codes.astype(np.float32) * scales[..., None]
