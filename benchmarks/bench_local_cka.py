"""Local CKA at its published size (320 anchors, 500 queries): against the formula pair by pair, and as an index.

The plain side rebuilds everything for every pair, as published: three HSICs, each of two Gram matrices that are centred
by dense products, in float32. It is timed on a few pairs, and the time of one is multiplied by the number of pairs,
since it is the same for all. The gallery's features are computed once; a batch of queries against it is compared with
the bare product of matrices of that size, which no exact index of dot products can do without.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from harness import Row, best_of
from ligature.matching.local_cka import LocalCKA

BASE, QUERIES, GALLERY, WIDTHS = 320, 500, 100_000, (384, 768)
PAIRS = 12
Gram = Callable[[torch.Tensor], torch.Tensor]


def world(items: int) -> list[np.ndarray]:
    """Returns two noisy views of shared latents, anchors first."""
    rng = np.random.default_rng(0)
    latent = rng.standard_normal((BASE + items, 64), dtype=np.float32)
    maps = [rng.standard_normal((64, width), dtype=np.float32) for width in WIDTHS]
    return [latent @ m + 8 * rng.standard_normal((len(latent), m.shape[1]), dtype=np.float32) for m in maps]


def linear_gram(points: torch.Tensor) -> torch.Tensor:
    return points @ points.T


def rbf_gram(points: torch.Tensor) -> torch.Tensor:
    norms = points.square().sum(dim=1)
    distances = (norms[:, None] + norms - 2 * points @ points.T).clamp_(min=0).fill_diagonal_(0)
    return (distances / (-2 * distances[distances != 0].median())).exp()


def plain_pair(x: torch.Tensor, y: torch.Tensor, gram: Gram) -> float:
    """Returns the CKA of two sets of points, with nothing shared between its three HSICs."""
    centring = torch.eye(len(x), dtype=x.dtype) - 1 / len(x)

    def hsic(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return ((centring @ gram(left) @ centring) * (centring @ gram(right) @ centring)).sum()

    return float(hsic(x, y) / (hsic(x, x) * hsic(y, y)).sqrt())


def plain_pairs(x: np.ndarray, y: np.ndarray, gram: Gram, dtype: torch.dtype) -> np.ndarray:
    """Returns the scores of ``PAIRS`` queries with their own partners."""
    sides = [torch.from_numpy(values).to(dtype) for values in (x, y)]
    rows = [[BASE + pair, *range(BASE)] for pair in range(PAIRS)]
    return np.array([plain_pair(*(side[row] for side in sides), gram) for row in rows])


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            x, y = world(GALLERY)
            return [_scores_row(x, y, "linear", linear_gram), _scores_row(x, y, "rbf", rbf_gram), _gallery_row(x, y)]
    finally:
        torch.set_num_threads(threads)


def _scores_row(x: np.ndarray, y: np.ndarray, kernel: str, gram: Gram) -> Row:
    x, y = x[: BASE + QUERIES], y[: BASE + QUERIES]

    def ours() -> np.ndarray:
        return LocalCKA(kernel).fit(x[:BASE], y[:BASE]).score(x[BASE:], y[BASE:])

    sampled_seconds, single = best_of(lambda: plain_pairs(x, y, gram, torch.float32), repeats=2)
    plain_seconds = sampled_seconds / PAIRS * QUERIES**2
    fast_seconds, scores = best_of(ours, repeats=5)
    found = scores.diagonal()[:PAIRS]
    difference = float(np.abs(found - plain_pairs(x, y, gram, torch.float64)).max())
    note = (
        f"{BASE} anchors, {QUERIES} x {QUERIES} pairs, d = {WIDTHS[0]} and {WIDTHS[1]}, one thread, fit included; "
        f"plain: {PAIRS} pairs in float32 at {sampled_seconds / PAIRS * 1e3:.0f} ms each, times {QUERIES**2:,}; "
        f"difference to the same in float64 (in float32 {np.abs(found - single).max():.0e})"
    )
    return Row(f"local CKA, {kernel}", plain_seconds, fast_seconds, 10_000, difference, note)


def _gallery_row(x: np.ndarray, y: np.ndarray) -> Row:
    fitted = LocalCKA().fit(x[:BASE], y[:BASE])
    start = time.perf_counter()
    gallery = fitted.transform_y(y[BASE:])
    embed_seconds = time.perf_counter() - start
    batch = x[BASE : BASE + QUERIES]
    queries = fitted.transform_x(batch)
    bare_seconds, bare = best_of(lambda: queries @ gallery.T)
    fast_seconds, scores = best_of(lambda: fitted.transform_x(batch) @ gallery.T)
    note = (
        f"{QUERIES} queries, embedded and scored, against {GALLERY:,} items of {gallery.shape[1]} numbers in float64, "
        f"one thread; plain: the bare product of those sizes; the gallery is embedded once in {embed_seconds:.1f} s"
    )
    name = "local CKA, rbf, a batch of queries against a gallery"
    return Row(name, bare_seconds, fast_seconds, 1 / 3, float(np.abs(scores - bare).max()), note)


if __name__ == "__main__":
    for row in run():
        print(row, f"ratio {row.ratio:.3g}")
