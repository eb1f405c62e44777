"""Pair discovery: linear CKA, the grid of encoders and the bootstrap, against the formulas as written."""

import subprocess
import sys

import numpy as np
import torch

from harness import Row, best_of
from ligature.similarity import StreamingCKA, linear_cka
from ligature.similarity.bootstrap import bootstrap_values

MEMORY_SCRIPT = """
import sys
from pathlib import Path
import numpy as np, torch
from ligature.similarity import linear_cka

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

torch.set_num_threads(1)
rows, dimensions = int(sys.argv[1]), 1024
x, y = (np.random.default_rng(seed).standard_normal((rows, dimensions), dtype=np.float32) for seed in (0, 1))
before = peak()
linear_cka(x, y)
print(peak() - before)
"""


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_one_pair(5000, 1024), _grid(8, 2000, 512), _bootstrap(2000, 512, 200)]
    finally:
        torch.set_num_threads(threads)


def _features(count: int, rows: int, dimensions: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(rows, 32, generator=generator)
    return [
        latent @ torch.randn(32, dimensions, generator=generator) * 0.3
        + torch.randn(rows, dimensions, generator=generator)
        for _ in range(count)
    ]


def _published_cka(x: torch.Tensor, y: torch.Tensor) -> float:
    """Linear CKA as published: dense centring of whole Gram matrices, twelve n x n x n products."""
    centring = torch.eye(len(x)) - torch.ones(len(x), len(x)) / len(x)
    gram_x, gram_y = x @ x.T, y @ y.T

    def hsic(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return ((centring @ left @ centring) * (centring @ right @ centring)).sum()

    return float(hsic(gram_x, gram_y) / (hsic(gram_x, gram_x) * hsic(gram_y, gram_y)).sqrt())


def _feature_space_cka(x: torch.Tensor, y: torch.Tensor) -> float:
    """Linear CKA of one pair in feature space, with both self-terms of its own."""
    x, y = x - x.mean(dim=0), y - y.mean(dim=0)
    cross, left, right = (product.double().norm() for product in (x.T @ y, x.T @ x, y.T @ y))
    return float(cross**2 / (left * right))


def _peak_mebibytes(rows: int) -> float:
    """Growth of the peak resident memory by one call, beyond the features, in a process of its own (Linux)."""
    command = [sys.executable, "-c", MEMORY_SCRIPT, str(rows)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _one_pair(rows: int, dimensions: int) -> Row:
    x, y = _features(2, rows, dimensions)
    plain_seconds, plain = best_of(lambda: _published_cka(x, y), repeats=1)
    fast_seconds, fast = best_of(lambda: linear_cka(x, y), repeats=5)
    small, large = _peak_mebibytes(rows), _peak_mebibytes(8 * rows)
    note = (
        f"n={rows:,}, d={dimensions:,}, both float32, one thread; plain: two Grams and 12 n^3 products, once; "
        f"peak memory beyond the features {small:.0f} MiB at n={rows:,} and {large:.0f} MiB at n={8 * rows:,}, "
        f"where one n x n matrix takes {(8 * rows) ** 2 * 4 / 2**20:,.0f} MiB"
    )
    return Row("linear CKA, one pair", plain_seconds, fast_seconds, 70, abs(plain - fast), note)


def _grid(encoders: int, rows: int, dimensions: int) -> Row:
    features = _features(2 * encoders, rows, dimensions)
    vision, text = (
        {str(i): values for i, values in enumerate(side)} for side in (features[:encoders], features[encoders:])
    )

    def separate() -> dict[tuple[str, str], float]:
        return {(v, t): _feature_space_cka(vision[v], text[t]) for v in vision for t in text}

    def together() -> dict[tuple[str, str], float]:
        streaming = StreamingCKA()
        streaming.update(vision, text)
        return {names: cka.biased for names, cka in streaming.result().items()}

    def bare() -> None:
        for x in features:
            _ = x.T @ x
        for x in vision.values():
            for y in text.values():
                _ = x.T @ y

    plain_seconds, plain = best_of(separate, repeats=5)
    fast_seconds, fast = best_of(together, repeats=5)
    bare_seconds, _ = best_of(bare, repeats=5)
    note = (
        f"{encoders} x {encoders} encoders, n={rows:,}, d={dimensions}, float32, one thread; "
        f"plain: feature space pair by pair, each with its own self-terms; "
        f"the grid takes {fast_seconds / bare_seconds:.2f} x the bare "
        f"{encoders**2} products X'Y and {2 * encoders} products X'X ({bare_seconds:.2f} s)"
    )
    return Row("linear CKA, grid of encoders", plain_seconds, fast_seconds, 1.5, _difference(plain, fast), note)


def _difference(plain: dict[tuple[str, str], float], fast: dict[tuple[str, str], float]) -> float:
    return max(abs(plain[names] - fast[names]) for names in plain)


def _weighted_hsic(x: torch.Tensor, y: torch.Tensor, w: torch.Tensor) -> float:
    """The U-statistic over distinct rows of weight ``w`` from weighted feature products, for one draw."""
    norms = x.square().sum(1) * y.square().sum(1)
    once, squared = (x * w[:, None]).T @ y, (x * (w**2)[:, None]).T @ y
    s11 = (once * once).sum() - (w**2 * norms).sum()
    s12 = (once * squared).sum() - (w**3 * norms).sum()
    s22 = (squared * squared).sum() - (w**4 * norms).sum()
    k, m = (f @ (f.T @ w) - f.square().sum(1) * w for f in (x, y))
    r1, r2, totals = (w * k * m).sum(), (w**2 * k * m).sum(), (w @ k) * (w @ m)
    p1, p2, p3, p4 = (float((w.double() ** power).sum()) for power in (1, 2, 3, 4))
    triples = (r1 - s12) / (p1**3 - 3 * p1 * p2 + 2 * p3)
    quadruples = (totals - 4 * r2 + 2 * s22) / (p1**4 - 6 * p1**2 * p2 + 8 * p1 * p3 + 3 * p2**2 - 6 * p4)
    return float(s11 / (p1**2 - p2) + quadruples - 2 * triples)


def _bootstrap(rows: int, dimensions: int, draws: int) -> Row:
    x, y = (values - values.mean(dim=0) for values in _features(2, rows, dimensions))

    def a_draw_at_a_time() -> np.ndarray:
        counts = np.random.default_rng(0).multinomial(rows, np.full(rows, 1 / rows), size=draws)
        values = []
        for w in torch.from_numpy(counts).to(x):
            cross, left, right = (_weighted_hsic(*pair, w) for pair in ((x, y), (x, x), (y, y)))
            values.append(cross / np.sqrt(left * right))
        return np.array(values)

    plain_seconds, plain = best_of(a_draw_at_a_time, repeats=1)
    fast_seconds, fast = best_of(lambda: bootstrap_values([x, y], [(0, 1)], draws=draws, seed=0)[0, 1])
    note = (
        f"n={rows:,}, d={dimensions}, {draws} draws, float32, one thread; plain: weighted products of features, "
        "O(n d^2) a draw; fast: every draw from the same tiles, O(n^2 (d + draws)) in all"
    )
    name = "bootstrap of debiased CKA, one pair"
    return Row(name, plain_seconds, fast_seconds, 20, float(np.abs(plain - fast).max()), note)


if __name__ == "__main__":
    for row in run():
        print(row, f"ratio {row.ratio:.1f}")
