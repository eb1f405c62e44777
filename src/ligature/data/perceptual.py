"""Perceptual hashes: near-duplicate pictures found by few differing bits, exactly and without comparing all pairs."""

from collections import defaultdict

import numpy as np
import pandas as pd
from PIL import Image
from scipy.fft import dctn

SIDE = 32
LEVELS = np.arange(16, 256, 32)
"""Steps of a channel's mean; grey stands in the middle between two of them."""
DEAD_ZONE = 8.0
"""Least coefficient that counts, of an orthonormal transform of bytes; smaller ones are mostly noise."""
_LOWEST = sorted(((row, column) for row in range(11) for column in range(11 - row)), key=lambda at: (sum(at), at))
FREQUENCIES = np.array(_LOWEST[1:57]).T
"""[2, 56] row and column of the lowest frequencies but the mean."""
CHANNEL_BITS = len(LEVELS) + FREQUENCIES.shape[1]
BITS = 3 * CHANNEL_BITS
BYTES = BITS // 8


def perceptual_hash(image: Image.Image) -> bytes:
    """Returns a hash of 192 bits that changes little when a picture is scaled or encoded anew.

    Every channel of YCbCr, at 32 x 32 pixels, gives 64 bits: eight that count how many steps its mean exceeds, and 56
    that tell which of the lowest frequencies of its cosine transform exceed the dead zone. After the DCT hash of
    Zauner, Implementation and benchmarking of perceptual image hash functions, 2010; but for the means, which tell
    flat colours apart, and for the dead zone in place of the median, which leaves no bit of a flat picture to noise.
    """
    small = image.convert("YCbCr").resize((SIDE, SIDE), Image.Resampling.BOX)
    channels = np.asarray(small, np.float64)
    means = channels.mean((0, 1))[:, None] > LEVELS
    waves = dctn(channels, axes=(0, 1), norm="ortho")[FREQUENCIES[0], FREQUENCIES[1]].T > DEAD_ZONE
    return np.packbits(np.concatenate([means, waves], 1)).tobytes()


def near_duplicate_images(uids: np.ndarray, hashes: np.ndarray, bits: int) -> pd.DataFrame:
    """Finds images within ``bits`` of one that stays; images are looked at in the order of their uids.

    Takes about 2 kB an image that stays.

    Args:
        uids: [n] uint64, all different.
        hashes: [n, 24] uint8.
        bits: largest number of differing bits of duplicates.

    Returns:
        One row a duplicate, sorted by ``uid``: the smallest uid within reach that stays (``duplicate_of``), and by how
        many ``bits`` they differ.
    """
    index = _BandIndex(bits)
    rows = []
    values = _integers(hashes)
    for position in np.argsort(uids, kind="stable").tolist():
        nearest = min(index.near(values[position]), default=None)
        if nearest is None:
            index.add(int(uids[position]), values[position])
        else:
            rows.append((int(uids[position]), *nearest))
    table = pd.DataFrame(rows, columns=["uid", "duplicate_of", "bits"])
    return table.astype({"uid": np.uint64, "duplicate_of": np.uint64, "bits": np.int32})


def near_references(hashes: np.ndarray, references: np.ndarray, bits: int) -> np.ndarray:
    """Returns [n] bool: which hashes ([n, 24] uint8) lie within ``bits`` of one of the references ([m, 24] uint8)."""
    index = _BandIndex(bits)
    for number, value in enumerate(dict.fromkeys(_integers(references))):
        index.add(number, value)
    return np.array([bool(index.near(value)) for value in _integers(hashes)], bool)


class _BandIndex:
    """Hashes by bands: two that differ in at most ``bits`` bits agree in one of ``bits + 1`` bands at least.

    A band takes every (bits + 1)-th bit, so that grey pictures, whose bits of colour are all alike, differ in it too.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self._masks = [sum(1 << bit for bit in range(band, BITS, bits + 1)) for band in range(bits + 1)]
        self._bands: list[dict[int, list[tuple[int, int]]]] = [defaultdict(list) for _ in self._masks]

    def add(self, name: int, value: int) -> None:
        entry = (name, value)
        for mask, band in zip(self._masks, self._bands, strict=True):
            band[value & mask].append(entry)

    def near(self, value: int) -> list[tuple[int, int]]:
        """Returns names and distances of what lies within reach, some of them repeatedly."""
        return [
            (name, distance)
            for mask, band in zip(self._masks, self._bands, strict=True)
            for name, other in band.get(value & mask, ())
            if (distance := (value ^ other).bit_count()) <= self.bits
        ]


def _integers(hashes: np.ndarray) -> list[int]:
    """Returns the rows of [n, 24] uint8 as integers."""
    return [int.from_bytes(row, "big") for row in np.ascontiguousarray(hashes, np.uint8)]
