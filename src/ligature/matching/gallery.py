"""A gallery that is searched by dot products: float32 features of many items with their names, kept in one file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ligature.errors import DataError, StoreError
from ligature.matching.inputs import check_width
from ligature.matching.local_cka import centre_gallery
from ligature.matching.ranking import top_k
from ligature.store.atomic import replacing

NAMES = "names"
CELLS = 1 << 24
"""Scores of a block of queries: 64 MB."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """Features of named items, less one constant vector, so that float32 keeps what tells them apart.

    Attributes:
        names: of the items.
        features: [n, p] float32, those of ``of`` less ``offset``.
        offset: [p] float64, their mean.
    """

    names: list[str]
    features: np.ndarray
    offset: np.ndarray

    def __post_init__(self) -> None:
        """Checks that names and arrays belong together.

        Raises:
            DataError: they do not, or a value is not finite.
        """
        features, offset = self.features, self.offset
        if features.ndim != 2 or not features.size or features.dtype != np.float32:
            raise DataError(f"gallery: features {features.dtype} {features.shape}; expected float32 [n, p]")
        if offset.shape != features.shape[1:] or offset.dtype != np.float64:
            raise DataError(f"gallery: offset {offset.dtype} {offset.shape}; expected float64 [{features.shape[1]}]")
        if len(self.names) != len(features):
            raise DataError(f"gallery: {len(self.names)} names for {len(features)} items; give each one name")
        if not (np.isfinite(features).all() and np.isfinite(offset).all()):
            raise DataError("gallery: holds a value that is not finite; make its features again")

    @classmethod
    def of(cls, names: Sequence[str], features: ArrayLike) -> Self:
        """Centres features and casts them.

        Args:
            names: of the items.
            features: [n, p], scores are dot products with them.

        Raises:
            DataError: they are no matrix, not finite, or not one a name.
        """
        centred, offset = centre_gallery(features)
        return cls(list(names), centred.astype(np.float32), offset)

    def search(self, queries: ArrayLike, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Returns the k items of highest score of every query, best first, equal scores by row.

        Args:
            queries: [q, p].
            k: items a query, 1..n.

        Returns:
            Scores [q, k] float64, dot products with the features as they were before centring, and rows [q, k] int64.

        Raises:
            DataError: queries of another width or not finite, or a k that is not in 1..n.
        """
        values = check_width(queries, self.features.shape[1], "queries")
        rows, scores = [], []
        for block in self._blocks(len(values)):
            products = values[block].astype(np.float32) @ self.features.T
            rows.append(top_k(products, k))
            scores.append(np.take_along_axis(products, rows[-1], axis=1) + (values[block] @ self.offset)[:, None])
        return np.concatenate(scores), np.concatenate(rows)

    def _blocks(self, queries: int) -> Iterator[slice]:
        step = max(1, CELLS // len(self.features))
        return (slice(start, start + step) for start in range(0, queries, step))

    def save(self, path: Path | str) -> None:
        """Writes the gallery as one safetensors file, atomically; the same gallery gives the same bytes."""
        tensors = {"features": np.ascontiguousarray(self.features), "offset": self.offset}
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata={NAMES: json.dumps(self.names)})

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Returns the gallery that ``save`` wrote; names are data, nothing looks for files of that name.

        Raises:
            StoreError: the file is missing, damaged or no gallery.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                names = json.loads((file.metadata() or {})[NAMES])
                features, offset = file.get_tensor("features"), file.get_tensor("offset")
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise ValueError("names are no texts")
            return cls(names, features, offset)
        except (OSError, SafetensorError, RecursionError, KeyError, ValueError, TypeError, DataError) as error:
            raise StoreError(f"{path}: missing, damaged or no gallery ({_line(error)}); write it again") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
