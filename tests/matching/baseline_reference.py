"""Plain references of the baselines: every score as the formula says it, pair by pair or refit by refit."""

import numpy as np


def cosines_plain(left, right):
    return np.array([[a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for b in right] for a in left])


def ridge_plain(x, y, queries, penalty):
    """Predictions by the normal equations with a column of ones, whose weight is free."""
    ones = np.hstack([x, np.ones((len(x), 1))])
    free = np.diag([penalty] * x.shape[1] + [0.0])
    weights = np.linalg.solve(ones.T @ ones + free, ones.T @ y)
    return np.hstack([queries, np.ones((len(queries), 1))]) @ weights


def rbf_plain(a, b, bandwidth):
    return np.exp(-((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=-1) / (2 * bandwidth))


def bandwidth_plain(x):
    """The lower median of the non-zero squared distances."""
    distances = [((a - b) ** 2).sum() for i, a in enumerate(x) for b in x[:i]]
    distances = sorted(value for value in distances if value > 0)
    return distances[(len(distances) - 1) // 2]


def kernel_ridge_plain(x, y, queries, penalty, bandwidth):
    """Predictions from the stationary point of the penalised loss: weights of the kernel, and a free intercept."""
    gram, m = rbf_plain(x, x, bandwidth), len(x)
    system = np.block([[gram + penalty * np.eye(m), np.ones((m, 1))], [np.ones((1, m)), np.zeros((1, 1))]])
    solution = np.linalg.solve(system, np.vstack([y, np.zeros((1, y.shape[1]))]))
    return rbf_plain(queries, x, bandwidth) @ solution[:m] + solution[m]


def leave_one_out_plain(predict, x, y):
    """The mean squared error on each row of ``predict(x, y, queries)`` refitted without it."""
    rows = range(len(x))
    errors = [predict(np.delete(x, i, 0), np.delete(y, i, 0), x[[i]]) - y[[i]] for i in rows]
    return np.mean([(error**2).sum() for error in errors])


def _inverse_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ np.diag(values**-0.5) @ vectors.T


def cca_plain(base_x, base_y, query_x, query_y, penalty_x, penalty_y, components=None):
    """Scores and correlations by whitening both covariances, cosines of the variates weighted by correlation."""
    x, y = base_x - base_x.mean(0), base_y - base_y.mean(0)
    white_x = _inverse_root(x.T @ x + penalty_x * np.eye(x.shape[1]))
    white_y = _inverse_root(y.T @ y + penalty_y * np.eye(y.shape[1]))
    left, correlations, right = np.linalg.svd(white_x @ x.T @ y @ white_y)
    k = components or len(correlations)
    variates_x = (query_x - base_x.mean(0)) @ white_x @ left[:, :k] * correlations[:k]
    variates_y = (query_y - base_y.mean(0)) @ white_y @ right[:k].T * correlations[:k]
    return cosines_plain(variates_x, variates_y), correlations[:k]


def relative_plain(base_x, base_y, query_x, query_y, centred):
    mean_x, mean_y = (base_x.mean(0), base_y.mean(0)) if centred else (0, 0)
    relative_x = cosines_plain(query_x - mean_x, base_x - mean_x)
    return cosines_plain(relative_x, cosines_plain(query_y - mean_y, base_y - mean_y))


def sparse_plain(items, base, k, exponent):
    """Each row: the k largest cosines with the base, none below zero, to the power; zero elsewhere."""
    rows = []
    for row in cosines_plain(items, base):
        sparse = np.zeros(len(base))
        for anchor in np.argsort(-row)[:k]:
            sparse[anchor] = max(row[anchor], 0) ** exponent
        rows.append(sparse)
    return np.array(rows)
