"""Paired features of two invented encoders that see the same hidden causes, each in its own way."""

from typing import NamedTuple

import numpy as np

LATENT, CLUSTERS, SPREAD = 64, 80, 0.7
PRIVATE, HIDDEN = 32, 256


class LatentPairs(NamedTuple):
    """Row i of a base or of the queries is the same item on both sides."""

    base_x: np.ndarray
    base_y: np.ndarray
    query_x: np.ndarray
    query_y: np.ndarray

    def scaled(self):
        """Every dimension over its deviation in the base, with no centring."""
        over_x, over_y = self.base_x.std(axis=0, ddof=1), self.base_y.std(axis=0, ddof=1)
        return LatentPairs(self.base_x / over_x, self.base_y / over_y, self.query_x / over_x, self.query_y / over_y)


def latent_pairs(base=320, queries=500, width_x=384, width_y=768, noise=1.0, shift=0.3, seed=0):
    """A latent mixture, whose queries are shifted by ``shift``, through a random tanh network a side.

    Each side sees private dimensions too, noise of ``noise`` times the deviation of its signal, a log-normal scale a
    dimension, and a mean that is not zero.
    """
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((CLUSTERS, LATENT))
    latent = centres[generator.integers(CLUSTERS, size=base + queries)]
    latent = latent + SPREAD * generator.standard_normal(latent.shape)
    latent[base:] += shift * generator.standard_normal(LATENT)
    x, y = (_side(generator, latent, width, noise) for width in (width_x, width_y))
    return LatentPairs(x[:base], y[:base], x[base:], y[base:])


def _side(generator, latent, width, noise):
    hidden = np.hstack([latent, generator.standard_normal((len(latent), PRIVATE))])
    for _ in range(2):
        hidden = np.tanh(hidden @ _weights(generator, hidden.shape[1], HIDDEN))
    signal = hidden @ _weights(generator, HIDDEN, width)
    signal = signal + noise * signal.std(axis=0) * generator.standard_normal(signal.shape)
    return signal * np.exp(0.4 * generator.standard_normal(width)) + generator.standard_normal(width)


def _weights(generator, inputs, outputs):
    return generator.standard_normal((inputs, outputs)) / np.sqrt(inputs)
