"""Top-1, top-5 and top-10 accuracy of a score matrix from counted ranks, against sorting every row.

The small matrix has the size of the published experiments (500 queries), whose code sorts rows in Python; here
plain floats are sorted, which is kinder to it than tensors of one number. Everything runs on one thread.
"""

from collections.abc import Callable

import numpy as np

from harness import Row, best_of
from ligature.matching.ranking import ranks, top_k, top_k_accuracy

KS = (1, 5, 10)


def matrix(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns noisy scores [size, size] and the true candidate of every row."""
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=(size, size)), rng.permutation(size)
    scores[np.arange(size), truth] += 2.5
    return scores, truth


def sorted_in_python(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Sorts the candidates of every row as Python numbers and looks the true one up."""
    hits = dict.fromkeys(KS, 0)
    for row, true in zip(scores.tolist(), truth.tolist(), strict=True):
        order = sorted(range(len(row)), key=row.__getitem__, reverse=True)
        for k in KS:
            hits[k] += true in order[:k]
    return {f"top{k}": count / len(scores) for k, count in hits.items()}


def sorted_in_numpy(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Sorts every row with NumPy and looks the true candidate up."""
    places = [np.flatnonzero(np.argsort(-row) == true)[0] for row, true in zip(scores, truth, strict=True)]
    return {f"top{k}": float((np.array(places) < k).mean()) for k in KS}


def run() -> list[Row]:
    return [
        _accuracy_row("sorting rows in Python", sorted_in_python, 500, 30),
        _accuracy_row("sorting rows with NumPy", sorted_in_numpy, 5_000, 8),
        _top_k_row(5_000, 3),
    ]


def _accuracy_row(name: str, plain: Callable[..., dict[str, float]], size: int, target: float) -> Row:
    scores, truth = matrix(size)
    fast_seconds, fast = best_of(lambda: top_k_accuracy(scores, truth, KS), repeats=5)
    plain_seconds, expected = best_of(lambda: plain(scores, truth), repeats=2)
    difference = max(abs(expected[key] - fast[key]) for key in expected)
    ranks_seconds, _ = best_of(lambda: ranks(scores, truth), repeats=5)
    note = f"{size} x {size} float64, one thread; ranks alone {ranks_seconds:.2g} s"
    return Row(f"matching, top-1/5/10 accuracy: against {name}", plain_seconds, fast_seconds, target, difference, note)


def _top_k_row(size: int, target: float) -> Row:
    scores, _ = matrix(size)
    fast_seconds, fast = best_of(lambda: top_k(scores, 10), repeats=2)
    plain_seconds, plain = best_of(
        lambda: np.array([np.argsort(-row, kind="stable")[:10] for row in scores]), repeats=1
    )
    difference = float(np.abs(plain - fast).max())
    note = f"{size} x {size} float64, one thread; equal scores by index on both sides"
    return Row("matching, ten best: against stable sorts", plain_seconds, fast_seconds, target, difference, note)


if __name__ == "__main__":
    for result in run():
        print(result.as_dict())
