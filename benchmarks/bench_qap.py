"""Seeded quadratic assignment: one start against the FAQ of scipy, and a whole run of 2,000 queries."""

import time

import numpy as np

from harness import Row, best_of
from ligature.matching.qap import SeededProblem, SeededQAP, normalised_gram, seeded_faq

BASE, WIDTHS = 320, (384, 768)
LONGEST = 60.0


def run() -> list[Row]:
    return [_one_start(500), _one_start(1_000), _whole_run(2_000)]


def features(queries: int) -> list[np.ndarray]:
    """Returns base and queries of x and of y: the same clusters through two random networks, and noise of each side.

    Queries come from a shifted mixture, and dimensions differ in scale, so about a third is matched rightly.
    """
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(80, 64))[rng.integers(80, size=BASE + queries)]
    latent += 0.7 * rng.normal(size=latent.shape)
    latent[BASE:] += 0.3 * rng.normal(size=64)
    sides = []
    for width in WIDTHS:
        hidden = np.hstack([latent, rng.normal(size=(len(latent), 32))])
        for size in (256, 256):
            hidden = np.tanh(hidden @ rng.normal(size=(hidden.shape[1], size)) / np.sqrt(hidden.shape[1]))
        signal = hidden @ rng.normal(size=(256, width))
        noisy = signal + signal.std() * rng.normal(size=signal.shape)
        sides.append(noisy * np.exp(0.4 * rng.normal(size=width)))
    return sides


def _one_start(queries: int) -> Row:
    from scipy.optimize import linear_sum_assignment, quadratic_assignment

    x, y = features(queries)
    order = np.random.default_rng(1).permutation(queries)
    a, b = normalised_gram(x, "rbf", "x"), normalised_gram(np.vstack([y[:BASE], y[BASE:][order]]), "rbf", "y")
    seeds, free = np.arange(BASE), np.arange(BASE, BASE + queries)
    options = {"maximize": True, "tol": 1e-5, "partial_match": np.stack([seeds, seeds], axis=1)}

    def problem() -> SeededProblem:
        return SeededProblem.from_grams(a, b, seeds, free, free)

    plain_seconds, plain = best_of(lambda: quadratic_assignment(a, b, options=options))
    fast_seconds, fast = best_of(lambda: seeded_faq(problem()), repeats=5)
    hollow_seconds, hollow = best_of(lambda: seeded_faq(problem().in_form("hollow")))
    built_seconds, built = best_of(problem)
    gains = built.linear + 2 * np.outer(built.a.sum(axis=1), built.b.mean(axis=0))
    hungarian_seconds, _ = best_of(lambda: linear_sum_assignment(gains, maximize=True))
    product_seconds, _ = best_of(lambda: built.a @ built.b)
    note = (
        f"base {BASE}, {queries:,} queries, float64, from the barycentre, Gram matrices given, same tolerance; "
        f"difference: positions of the matching; {fast.iterations} steps; of these times the problem takes "
        f"{built_seconds:.2g} s, one product {product_seconds:.2g} s, and the first Hungarian run of scipy "
        f"{hungarian_seconds:.2g} s; the hollow form takes {hollow.iterations} steps, {hollow_seconds:.2g} s"
    )
    difference = float((plain.col_ind[BASE:] - BASE != fast.columns).sum())
    return Row("seeded QAP, one start", plain_seconds, fast_seconds, 3, difference, note)


def _whole_run(queries: int) -> Row:
    x, y = features(queries)
    order = np.random.default_rng(1).permutation(queries)
    start = time.perf_counter()
    found = SeededQAP(form="hollow").fit(x[:BASE], y[:BASE]).match(x[BASE:], y[BASE:][order])
    seconds = time.perf_counter() - start
    note = (
        f"base {BASE}, {queries:,} queries, from features to a matching in the hollow form, once, {found.iterations} "
        f"steps; plain is no time of another method but the bound of {LONGEST:.0f} s"
    )
    return Row("seeded QAP, a whole run", LONGEST, seconds, 1, None, note)
