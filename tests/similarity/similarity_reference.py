"""Plain references: every formula as published, on whole n x n matrices or by looping over rows."""

from itertools import permutations

import numpy as np


def _centred(gram):
    n = len(gram)
    centring = np.eye(n) - np.ones((n, n)) / n
    return centring @ gram @ centring


def biased_cka(left, right):
    left, right = _centred(left), _centred(right)
    return (left * right).sum() / np.sqrt((left**2).sum() * (right**2).sum())


def hsic_1(left, right):
    n, ones = len(left), np.ones(len(left))
    left, right = left - np.diag(np.diag(left)), right - np.diag(np.diag(right))
    total = np.trace(left @ right) + (ones @ left @ ones) * (ones @ right @ ones) / ((n - 1) * (n - 2))
    return (total - 2 / (n - 2) * ones @ left @ right @ ones) / (n * (n - 3))


def linear_cka_plain(x, y, debiased=False):
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    left, right = x @ x.T, y @ y.T
    if not debiased:
        return biased_cka(left, right)
    return hsic_1(left, right) / np.sqrt(hsic_1(left, left) * hsic_1(right, right))


def squared_distances_plain(x):
    x = np.asarray(x, dtype=np.float64)
    return ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=-1)


def rbf_cka_plain(x, y):
    kernels = []
    for distances in (squared_distances_plain(x), squared_distances_plain(y)):
        kernels.append(np.exp(-distances / (2 * np.median(distances[distances > 0]))))
    return biased_cka(*kernels)


def neighbour_sets(x, k):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return [set(np.argsort(-row)[:k]) for row in cosines]


def mutual_knn_plain(x, y, k):
    return np.mean([len(a & b) / k for a, b in zip(neighbour_sets(x, k), neighbour_sets(y, k), strict=True)])


def weighted_hsic_plain(x, y, weights):
    """The U-statistic of independence over tuples of distinct rows, by enumerating them."""
    left, right = x @ x.T, y @ y.T
    means = []
    for size, last in ((2, (0, 1)), (3, (0, 2)), (4, (2, 3))):
        tuples = list(permutations(range(len(weights)), size))
        weight = [np.prod([weights[i] for i in rows]) for rows in tuples]
        values = [left[rows[0], rows[1]] * right[rows[last[0]], rows[last[1]]] for rows in tuples]
        means.append(np.average(values, weights=weight))
    return means[0] - 2 * means[1] + means[2]


def related(rows, left=20, right=30, strength=1.0, seed=0, shared=5):
    """Two feature matrices that share ``shared`` latent directions."""
    generator = np.random.default_rng(seed)
    latent = generator.standard_normal((rows, shared))
    sides = []
    for width in (left, right):
        signal = latent @ generator.standard_normal((shared, width)) * strength
        sides.append(signal + generator.standard_normal((rows, width)))
    return sides
