"""Plain references of the quadratic assignment: CKA and FAQ on whole matrices, matchings by trying them all."""

from itertools import permutations

import numpy as np
from scipy.optimize import linear_sum_assignment, quadratic_assignment


def cka_plain(x, y, kernel="rbf"):
    """Biased CKA of paired rows; the bandwidth is the lower median of the distances, every pair counted twice."""
    grams = []
    for rows in (x, y):
        gram, centring = rows @ rows.T, np.eye(len(rows)) - 1 / len(rows)
        if kernel == "rbf":
            distances = ((rows[:, None] - rows[None]) ** 2).sum(axis=-1)
            apart = np.sort(distances[distances > 0])
            gram = np.exp(-distances / (2 * apart[(len(apart) - 1) // 2]))
        grams.append(centring @ gram @ centring)
    return (grams[0] * grams[1]).sum() / np.sqrt((grams[0] ** 2).sum() * (grams[1] ** 2).sum())


def faq_scipy(a, b, seeds, **options):
    """The free columns and the steps of the FAQ of scipy, the first ``seeds`` rows matched to themselves."""
    fixed = {"maximize": True, "tol": 1e-5, "rng": np.random.default_rng(0)}
    partial_match = np.stack([np.arange(seeds)] * 2, axis=1)
    found = quadratic_assignment(a, b, options={**fixed, "partial_match": partial_match, **options})
    return found.col_ind[seeds:] - seeds, found.nit


def faq_plain(linear, a, b, start, steps=30):
    """Frank-Wolfe on dense matrices [q, p], every product afresh, the line search on a grid of its three candidates."""

    def value(point):
        return (linear * point).sum() + np.trace(a @ point @ b @ point.T)

    point = start
    for _ in range(steps):
        corner = np.eye(len(b))[linear_sum_assignment(linear + 2 * a @ point @ b, maximize=True)[1]]
        low, middle, high = (value(t * point + (1 - t) * corner) for t in (0, 0.5, 1))
        bend, tilt = 2 * (low + high) - 4 * middle, 4 * middle - 3 * low - high
        inner = [-tilt / (2 * bend)] if bend < 0 and 0 <= -tilt / (2 * bend) <= 1 else []
        kept = max([0.0, 1.0, *inner], key=lambda t: value(t * point + (1 - t) * corner))
        if (1 - kept) * np.linalg.norm(point - corner) < 1e-5 * np.sqrt(len(point)):
            break
        point = kept * point + (1 - kept) * corner
    return linear_sum_assignment(point, maximize=True)[1]


def best_by_trying(value, queries, candidates):
    """The largest value over all matchings."""
    return max(value(np.array(columns)) for columns in permutations(range(candidates), queries))


def symmetric(generator, size, rank=None):
    """A symmetric matrix: positive semidefinite of a rank, or indefinite without one."""
    if rank:
        factor = generator.standard_normal((size, rank))
        return factor @ factor.T
    values = generator.standard_normal((size, size))
    return values + values.T


def alike(generator, size, rank=None, noise=1.0):
    """Two symmetric matrices that share a part."""
    shared = symmetric(generator, size, rank)
    return [shared + noise * symmetric(generator, size, rank) for _ in range(2)]
