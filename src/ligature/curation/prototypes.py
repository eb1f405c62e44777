"""Prototypes: one unit vector a concept, the mean of a few images or prompts, and their files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from ligature.curation.keyed import keyed_hash
from ligature.curation.vectors import unit_rows
from ligature.errors import DamagedError, DataError
from ligature.store.atomic import replacing
from ligature.store.damage import SENSELESS, read_sealed, reading, write_sealed
from ligature.store.hashing import hash_strings

VECTORS_NAME = "prototypes.safetensors"
CARD_NAME = "prototypes.json"
TOLERANCE = 1e-4
"""How far a squared length may be from one."""
SMALLEST_MEAN = 1e-6
"""Length of a mean of unit vectors below which they cancel."""


@dataclass(frozen=True)
class Prototypes:
    """The concepts that captions are scored against.

    Attributes:
        names: [C] distinct names.
        vectors: [C, d] float32 of unit length.
        shots: [C] int64, how many images or prompts were averaged.
        provenance: where they come from, as JSON values.
    """

    names: list[str]
    vectors: np.ndarray
    shots: np.ndarray
    provenance: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of concepts."""
        return len(self.names)

    @property
    def key(self) -> str:
        """Hash of names and vectors, in their order."""
        values = np.ascontiguousarray(self.vectors, dtype="<f4").tobytes()
        return hash_strings([*self.names, str(self.vectors.shape), values.hex()])

    def save(self, folder: Path | str) -> None:
        """Writes ``prototypes.safetensors`` and then ``prototypes.json`` (names, shots, key, provenance)."""
        with replacing(Path(folder) / VECTORS_NAME) as temporary:
            save_file({"vectors": np.ascontiguousarray(self.vectors)}, temporary)
        card = {"key": self.key, "names": self.names, "shots": self.shots.tolist(), "provenance": self.provenance}
        write_sealed(Path(folder) / CARD_NAME, card)

    @classmethod
    def load(cls, folder: Path | str) -> "Prototypes":
        """Reads what ``save`` wrote.

        Raises:
            DamagedError: a file is not what was written.
            DataError: a file is missing, or the two do not belong together.
        """
        folder = Path(folder)
        for name in (VECTORS_NAME, CARD_NAME):
            if not (folder / name).is_file():
                raise DataError(f"{folder} has no {name}: build the prototypes first")
        card = read_sealed(folder / CARD_NAME)
        with reading(folder / VECTORS_NAME):
            vectors = load_file(folder / VECTORS_NAME)["vectors"]
        try:
            names = [str(name) for name in card["names"]]
            prototypes = cls(names, vectors, np.array(card["shots"], dtype=np.int64), dict(card["provenance"]))
            key = card["key"]
        except SENSELESS as error:
            raise DataError(f"{folder}: the prototypes cannot be read ({error}); build them again") from error
        _check(prototypes, key, folder)
        return prototypes


def build_prototypes(
    features: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    *,
    shots: int,
    seed: int,
    ids: np.ndarray | None = None,
    provenance: dict[str, Any] | None = None,
) -> Prototypes:
    """Averages a few rows of every class: each to unit length, their mean, and that to unit length again.

    The rows of a class are those with the smallest keyed hashes of their ids, so with ``ids`` the prototypes depend
    neither on the order of rows nor on those of other classes. Prompts are averaged in the same way as images.

    Args:
        features: [n, d] of images or prompts, any length.
        labels: [n] class of each row, from 0.
        names: [C] of the classes; one that stands twice, like ImageNet's two cranes, gets a number in brackets.
        shots: most rows of a class.
        seed: of the choice.
        ids: [n] distinct integers or strings; the row numbers by default.
        provenance: to keep with the prototypes, as JSON values.

    Raises:
        DataError: inputs that do not fit, a class without a row, a chosen row that is zero or not finite, or rows of
            a class that cancel.
    """
    labels = np.asarray(labels)
    ids = np.arange(len(labels)) if ids is None else np.asarray(ids)
    _check_inputs(features, labels, names, shots, ids)
    chosen = _choose(labels, ids, len(names), shots, seed)
    empty = [names[label] for label, rows in enumerate(chosen) if len(rows) == 0]
    if empty:
        raise DataError(f"concept {empty[0]!r} has no image or prompt; add one or remove it ({len(empty)} in all)")
    means = [_mean(features[rows], name) for name, rows in zip(names, chosen, strict=True)]
    counts = np.array([len(rows) for rows in chosen], dtype=np.int64)
    return Prototypes(_distinct(names), np.stack(means), counts, provenance or {})


def _check_inputs(features: np.ndarray, labels: np.ndarray, names: Sequence[str], shots: int, ids: np.ndarray) -> None:
    if not len(names):
        raise DataError("prototypes of no concept: give at least one class")
    if shots < 1:
        raise DataError(f"prototypes of {shots} shots: average at least one image")
    if features.ndim != 2 or not len(features) == len(labels) == len(ids):
        shapes = f"features {features.shape}, labels {labels.shape}, ids {ids.shape}"
        raise DataError(f"prototypes need a row of features, a label and an id an image, got {shapes}")
    if labels.dtype.kind not in "iu" or (len(labels) and not 0 <= labels.min() <= labels.max() < len(names)):
        raise DataError(f"labels must be whole numbers from 0 to {len(names) - 1}, one for each of the names")
    if len(np.unique(ids)) < len(ids):
        raise DataError("an id stands twice; the choice of images would depend on their order")


def _choose(labels: np.ndarray, ids: np.ndarray, n_classes: int, shots: int, seed: int) -> list[np.ndarray]:
    """Returns the rows chosen for every class, in the order of their hashes."""
    order = np.lexsort((ids, keyed_hash(ids, seed), labels))
    starts = np.searchsorted(labels[order], np.arange(n_classes + 1))
    return [order[start:end][:shots] for start, end in pairwise(starts)]


def _mean(features: np.ndarray, name: str) -> np.ndarray:
    mean = unit_rows(features, f"images or prompts of concept {name!r}").mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(mean)
    if length < SMALLEST_MEAN:
        raise DataError(f"concept {name!r}: its images or prompts cancel to a mean of zero; check its features")
    return (mean / length).astype(np.float32)


def _distinct(names: Sequence[str]) -> list[str]:
    distinct: dict[str, None] = {}
    for name in names:
        number, candidate = 1, name
        while candidate in distinct:
            number += 1
            candidate = f"{name} ({number})"
        distinct[candidate] = None
    return list(distinct)


def _check(prototypes: Prototypes, key: str, folder: Path) -> None:
    names, vectors, shots = prototypes.names, prototypes.vectors, prototypes.shots
    if vectors.ndim != 2 or vectors.dtype != np.float32 or not len(names) == len(vectors) == len(shots):
        shapes = f"{len(names)} names, vectors {vectors.shape} {vectors.dtype}, {len(shots)} shots"
        raise DataError(f"{folder}: {CARD_NAME} and {VECTORS_NAME} do not fit ({shapes}); build the prototypes again")
    if len(set(names)) < len(names):
        raise DataError(f"{folder / CARD_NAME}: a name stands twice; build the prototypes again")
    if prototypes.key != key:
        raise DamagedError(folder / VECTORS_NAME, f"it is not the one that {CARD_NAME} describes")
    if not (np.abs((vectors.astype(np.float64) ** 2).sum(axis=1) - 1) < TOLERANCE).all():
        raise DataError(f"{folder / VECTORS_NAME}: a vector is not of unit length; build the prototypes again")
