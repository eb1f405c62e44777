"""Plain reference: local CKA straight from the formula, everything rebuilt for every pair."""

import numpy as np


def lower_median(distances):
    """The lower median of the non-zero off-diagonal entries, each counted twice, as torch.median has it."""
    ordered = np.sort(distances[distances != 0])
    return ordered[(len(ordered) - 1) // 2]


def squared_distances_plain(points):
    return ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=-1)


def gram_plain(points, kernel, bandwidth):
    """The Gram matrix of an item (first row) and the anchors, in the type of its input."""
    if kernel == "linear":
        return points @ points.T
    if kernel != "rbf":
        return kernel(points, points)
    distances = squared_distances_plain(points)
    median = lower_median(distances if bandwidth == "per-query" else distances[1:, 1:])
    return np.exp(-distances / (2 * median))


def hsic_plain(left, right):
    n = len(left)
    centring = np.eye(n, dtype=left.dtype) - np.ones((n, n), dtype=left.dtype) / n
    return np.trace(left @ centring @ centring @ right @ centring @ centring)


def local_cka_plain(base_x, base_y, query_x, query_y, kernel="rbf", bandwidth="per-query"):
    """Scores [n_x, n_y]: three HSICs of (m + 1)-point Gram matrices for every pair."""
    scores = np.empty((len(query_x), len(query_y)))
    for i, x in enumerate(query_x):
        for j, y in enumerate(query_y):
            left = gram_plain(np.concatenate([x[None], base_x]), kernel, bandwidth)
            right = gram_plain(np.concatenate([y[None], base_y]), kernel, bandwidth)
            scores[i, j] = hsic_plain(left, right) / np.sqrt(hsic_plain(left, left) * hsic_plain(right, right))
    return scores
