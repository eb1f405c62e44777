"""Interpolation over the bandwidth of an RBF kernel: a few Gram matrices stand for those of all bandwidths."""

import math

import numpy as np

TOLERANCE = 1e-13


def node_count(lowest: float, highest: float) -> int:
    """Returns how many Chebyshev nodes keep the error of any RBF kernel value below ``TOLERANCE``.

    With s = log of the bandwidth, exp(-D exp(-s) / 2) is analytic and at most 1 in absolute value in the strip
    |Im s| <= pi / 2, whatever the distance D >= 0. The largest Bernstein ellipse around the interval of half width h
    that fits in has parameter rho = y + sqrt(1 + y^2), y = pi / (2 h), and r nodes err by at most
    4 rho^(1 - r) / (rho - 1) (Trefethen, Approximation Theory and Approximation Practice, theorem 8.2).

    Args:
        lowest: smallest bandwidth, above zero.
        highest: largest bandwidth.
    """
    half = math.log(highest / lowest) / 2
    if half == 0:
        return 1
    y = math.pi / (2 * half)
    rho = y + math.hypot(1, y)
    return max(1, 1 + math.ceil(math.log(4 / (TOLERANCE * (rho - 1))) / math.log(rho)))


class BandwidthNodes:
    """Chebyshev nodes of the first kind in the logarithm of the bandwidth.

    Attributes:
        values: [r] bandwidths at the nodes.
    """

    def __init__(self, lowest: float, highest: float, count: int) -> None:
        """Places ``count`` nodes between two bandwidths above zero, which may be equal."""
        self._lowest, self._half = lowest, math.log(highest / lowest) / 2
        angles = (np.arange(count) + 0.5) * math.pi / count
        self.values = lowest * np.exp(self._half * (1 + np.cos(angles)))
        self._polynomials = np.cos(np.outer(np.arange(count), angles)) * (2 / count)
        self._polynomials[0] /= 2

    def weights(self, bandwidths: np.ndarray) -> np.ndarray:
        """Returns the weight of every node for bandwidths [n] within the interval, [n, r]; rows sum to one.

        They are the Lagrange polynomials of the nodes, as sums of Chebyshev polynomials.
        """
        place = np.log(bandwidths / self._lowest) / self._half - 1 if self._half else np.zeros(len(bandwidths))
        angles = np.arccos(np.clip(place, -1, 1))
        return np.cos(np.outer(angles, np.arange(len(self.values)))) @ self._polynomials
