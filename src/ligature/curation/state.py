"""The k best rows of every concept as a state: parts of a pool are scored apart, their states merged and kept."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from ligature.errors import DataError
from ligature.store.atomic import replacing
from ligature.store.damage import reading

CARD = "top_k"


@dataclass(frozen=True)
class TopK:
    """The best rows of every concept, best first; of equal scores the smaller uid stands first.

    Uids are kept once, and lists hold their places: half the bytes, and a selection need not look uids up.

    Attributes:
        scores: [C, w] float32 cosines, w = min(k, rows of the pool).
        places: [C, w] int32 places in ``pool``.
        pool: [p] uids that stand in any list, rising, an integer dtype or text ('U').
        k: the number of rows asked for.
        seen: the number of rows scored. A merge adds them up, so a row that stands in two parts counts twice here
            (and nowhere else): an upper bound where parts overlap.
    """

    scores: np.ndarray
    places: np.ndarray
    pool: np.ndarray
    k: int
    seen: int

    @classmethod
    def of(cls, scores: np.ndarray, uids: np.ndarray, k: int, seen: int) -> Self:
        """Builds a state from scores and uids, both [C, w]; a score that is not finite is a gap.

        Raises:
            DataError: shapes that differ, or a uid that stands twice in the list of a concept.
        """
        if scores.shape != uids.shape:
            raise DataError(f"a state needs one score a uid, got scores {scores.shape} and uids {uids.shape}")
        pool, places = np.unique(uids, return_inverse=True)
        places = places.reshape(uids.shape).astype(np.int32)
        for concept, (row, row_scores) in enumerate(zip(places, scores, strict=True)):
            listed = row[np.isfinite(row_scores)]
            if len(np.unique(listed)) < len(listed):
                raise DataError(f"concept {concept}: a uid stands twice in its list; keep its better score")
        return cls(scores, places, narrow(pool), k, seen)

    @property
    def uids(self) -> np.ndarray:
        """Uids of the rows, [C, w]."""
        return self.pool[self.places]

    def merge(self, other: "TopK") -> "TopK":
        """Returns the k best rows of both states: scores and uids are those of one pass over all their rows.

        A uid in both states is kept once, with its better score. The order of merges does not matter, and a state
        merged with itself keeps its scores and uids.

        Raises:
            DataError: k, the number of concepts or the kind of uids differ.
        """
        if self.k != other.k:
            raise DataError(f"states of k = {self.k} and k = {other.k} do not merge: score all parts with one k")
        if len(self.scores) != len(other.scores):
            raise DataError(f"states of {len(self.scores)} and {len(other.scores)} concepts do not merge")
        if self.pool.dtype != other.pool.dtype and {self.pool.dtype.kind, other.pool.dtype.kind} != {"U"}:
            raise DataError(f"states with uids of {self.pool.dtype} and {other.pool.dtype} do not merge")
        pool = np.union1d(self.pool, other.pool)
        overlap = len(pool) < len(self.pool) + len(other.pool)
        sides = [np.searchsorted(pool, state.pool).astype(np.int32)[state.places] for state in (self, other)]
        both = zip(self.scores, other.scores, *sides, strict=True)
        merged = [_best(np.concatenate([a, b]), np.concatenate([u, v]), self.k, overlap) for a, b, u, v in both]
        scores, places = (np.stack(side) for side in zip(*merged, strict=True))
        return TopK(scores, *without_unused(places, pool), self.k, self.seen + other.seen)

    def save(self, path: Path | str, metadata: dict[str, Any]) -> None:
        """Writes the state to ``path`` as safetensors, atomically; the same state and metadata give the same bytes.

        Args:
            path: the file.
            metadata: what belongs to the state (names of concepts, encoder, parts), as plain JSON values.
        """
        text = self.pool.dtype.kind == "U"
        tensors = {
            "scores": np.ascontiguousarray(self.scores),
            "places": np.ascontiguousarray(self.places),
            "pool": self.pool.view(np.uint32).reshape(len(self.pool), -1) if text else self.pool,
        }
        card = {"k": self.k, "seen": self.seen, "text": text, "metadata": metadata}
        card["sha256"] = _sha256(card, tensors)
        with replacing(path) as temporary:  # one key of metadata: safetensors does not order several
            save_file(tensors, temporary, metadata={CARD: _line(card)})

    @classmethod
    def load(cls, path: Path | str) -> tuple[Self, dict[str, Any]]:
        """Returns the state and the metadata that ``save`` wrote.

        Raises:
            DamagedError: the file is not what was written.
            DataError: it is missing.
        """
        if not Path(path).is_file():
            raise DataError(f"{path}: missing; score the part again")
        with reading(path):
            with safe_open(path, framework="numpy") as file:
                card = json.loads((file.metadata() or {})[CARD])
                tensors = {name: file.get_tensor(name) for name in ("scores", "places", "pool")}
            if card.pop("sha256") != _sha256(card, tensors):
                raise ValueError("the sum does not agree")
            pool = tensors["pool"]
            if card["text"]:
                pool = pool.view(f"<U{pool.shape[1]}")[..., 0]
            return cls(tensors["scores"], tensors["places"], pool, card["k"], card["seen"]), card["metadata"]


def without_unused(places: np.ndarray, pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drops from ``pool`` what stands in no list and renumbers the lists, [C, w] int32, in place."""
    used = np.zeros(len(pool), dtype=bool)
    for number, row in enumerate(places):
        used[row] = True
        if number % 64 == 63 and used.all():
            break
    if not used.all():
        numbers = (np.cumsum(used) - 1).astype(np.int32)
        for row in places:
            row[:] = numbers.take(row)
        pool = pool[used]
    return places, narrow(pool)


def best_first(scores: np.ndarray, uids: np.ndarray) -> np.ndarray:
    """Returns the order of falling scores, equal scores by rising uid: [n] int64.

    A radix sort of the bits of the scores, in two passes of 16 bits, is several times faster than a comparison sort;
    runs of equal scores, few as a rule, are then ordered by uid.

    Args:
        scores: [n] float32, finite.
        uids: [n] integers or text.
    """
    bits = (scores + np.float32(0)).view(np.int32)  # adding zero makes -0 a zero
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = (rising.max(initial=-(2**31)) - rising).view(np.uint32)
    order = keys.astype(np.uint16).argsort(kind="stable")
    order = order.take((keys >> 16).astype(np.uint16).take(order).argsort(kind="stable"))
    ranked = scores.take(order)
    same = ranked[1:] == ranked[:-1]
    if same.any():
        places = np.flatnonzero(np.append(same, False) | np.append(False, same))
        tied = order[places]
        order[places] = tied[np.lexsort((uids[tied], -scores[tied]))]
    return order


def narrow(uids: np.ndarray) -> np.ndarray:
    """Returns text at the width of its longest uid, so that equal uids have equal bytes; integers as they are."""
    if uids.dtype.kind != "U":
        return uids
    return uids.astype(f"<U{max(1, int(np.strings.str_len(uids).max()))}")


def _best(scores: np.ndarray, places: np.ndarray, k: int, overlap: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the k best scores and their places, a place once, with its better score."""
    order = best_first(scores, places)
    if overlap:
        _, first = np.unique(places[order], return_index=True)
        order = order[np.sort(first)]
    order = order[:k]
    return scores[order], places[order]


def _line(card: dict[str, Any]) -> str:
    return json.dumps(card, sort_keys=True, allow_nan=False)


def _sha256(card: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(_line(card).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        digest.update(tensors[name].data)
    return digest.hexdigest()
