"""Linear CKA of a grid of encoders, in one pass over chunks of rows; one pair is the smallest grid."""

from collections.abc import Mapping
from typing import NamedTuple

import torch

from ligature.errors import DataError
from ligature.similarity.features import (
    Features,
    Key,
    as_tensor,
    check_finite,
    check_rows,
    check_shapes,
    check_varies,
    keyed,
    working_dtype,
)
from ligature.similarity.moments import LinearHSIC, augment, linear_hsic, moments, normalised, self_hsic, variance
from ligature.similarity.tiles import row_tiles

CHUNK_ROWS = 4096


class LinearCKA(NamedTuple):
    """Linear CKA of one pair: the form with a bias that grows with d/n, and the form without it."""

    biased: float
    debiased: float


class StreamingCKA:
    """Accumulates linear CKA of every vision encoder with every text encoder in one pass.

    Each encoder's self-term is kept once; a pair costs one product X'Y a chunk. Features are shifted by the mean
    of their first chunk, which leaves CKA unchanged and keeps the sums small. Memory is O(d^2) a pair, whatever n.
    Chunks of a few thousand rows are best: a chunk costs one addition of d x d a pair.
    """

    def __init__(self) -> None:
        """Starts with no rows; the first chunk names the encoders."""
        self.rows = 0
        self._shift: dict[Key, torch.Tensor] = {}
        self._precision = torch.float64
        self._moments: dict[tuple[Key, Key], torch.Tensor] = {}

    def update(self, vision: Mapping[str, Features], text: Mapping[str, Features]) -> None:
        """Adds one chunk: the same rows (m x d each) of every encoder, by name.

        Raises:
            DataError: for unequal rows, values that are not finite, or encoders other than those of the first chunk.
        """
        chunk = keyed(vision, text)
        rows = check_shapes(chunk)
        if rows == 0:
            return
        augmented = self._prepare({key: as_tensor(values) for key, values in chunk.items()}, rows)
        for pair in self._pairs():
            product = moments(augmented[pair[0]], augmented[pair[1]])
            self._moments[pair] = self._moments[pair].add_(product) if pair in self._moments else product
        self.rows += rows

    def result(self) -> dict[tuple[str, str], LinearCKA]:
        """Returns linear CKA by ``(vision name, text name)``; NaN where a debiased self-term vanishes.

        Raises:
            DataError: if fewer than four rows were added, or the features of an encoder do not vary.
        """
        check_rows(self.rows)
        for key in self._shift:
            check_varies(key, variance(self._moments[key, key]), self._shift[key], self._precision)
        own = {key: self_hsic(self._moments[key, key], self._precision) for key in self._shift}
        return {
            (left[1], right[1]): _cka(linear_hsic(values), own[left], own[right])
            for (left, right), values in self._moments.items()
            if left != right
        }

    def _prepare(self, chunk: dict[Key, torch.Tensor], rows: int) -> dict[Key, torch.Tensor]:
        dtype = working_dtype(chunk, rows)
        chunk = {key: values.to(dtype) for key, values in chunk.items()}
        for key, values in chunk.items():
            check_finite(key, values, self.rows)
        if not self._shift:
            self._shift = {key: values.mean(dim=0).float() for key, values in chunk.items()}
        if {k: v.shape[1] for k, v in chunk.items()} != {k: len(v) for k, v in self._shift.items()}:
            raise DataError("every chunk must hold the encoders of the first chunk, in the same dimensions")
        if dtype == torch.float32:
            self._precision = dtype
        return {key: augment(values, self._shift[key].to(dtype)) for key, values in chunk.items()}

    def _pairs(self) -> list[tuple[Key, Key]]:
        vision = [key for key in self._shift if key[0] == "vision"]
        text = [key for key in self._shift if key[0] == "text"]
        return [(key, key) for key in self._shift] + [(v, t) for v in vision for t in text]


def _cka(cross: LinearHSIC, left: LinearHSIC, right: LinearHSIC) -> LinearCKA:
    values = (normalised(*terms).clamp(-1, 1) for terms in zip(cross, left, right, strict=True))
    return LinearCKA(*map(float, values))


def linear_cka(x: Features, y: Features, *, debiased: bool = False) -> float:
    """Returns linear CKA of features ``x`` (n x d_x) and ``y`` (n x d_y) in O(n d^2) time and O(d^2) memory.

    The biased form lies in [0, 1] and grows with d/n even on independent noise; the debiased form is about zero
    there and may be slightly negative.

    Raises:
        DataError: for unequal rows, fewer than four, values that are not finite, or features that do not vary.
    """
    streaming = StreamingCKA()
    for rows in row_tiles(check_shapes(keyed({"x": x}, {"y": y})), CHUNK_ROWS):
        streaming.update({"x": x[rows]}, {"y": y[rows]})
    result = streaming.result()["x", "y"]
    return result.debiased if debiased else result.biased
