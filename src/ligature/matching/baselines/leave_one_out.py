"""The penalty of a ridge regression by its exact leave-one-out error, in closed form from one decomposition."""

import numpy as np

PENALTIES = np.logspace(-6, 4, 21)
"""The grid, two a decade, in units of the mean eigenvalue of the base; so the scale of the data does not matter."""


def choose_penalty(basis: np.ndarray, spectrum: np.ndarray, targets: np.ndarray) -> float:
    """Returns the penalty of the grid with the smallest leave-one-out error; of equal ones the smallest.

    Args:
        basis: [m, r] orthonormal eigenvectors of the centred Gram matrix of the base.
        spectrum: [r] their eigenvalues, all above zero.
        targets: [m, d] centred targets.
    """
    if targets.shape[1] > len(targets):
        targets = np.linalg.qr(targets.T, mode="r").T  # a rotation of the targets, which changes no error
    penalties = spectrum.mean() * PENALTIES
    return float(penalties[np.argmin(leave_one_out_errors(basis, spectrum, targets, penalties))])


def leave_one_out_errors(
    basis: np.ndarray, spectrum: np.ndarray, targets: np.ndarray, penalties: np.ndarray
) -> np.ndarray:
    """Returns the mean squared error on each row of the regression refitted without that row, for every penalty.

    With r_i the residual of the one fit on all rows and h_i the leverage of row i, the refit errs by r_i / (1 - h_i)
    (PRESS; Allen, 1974, Technometrics 16). The intercept is fitted anew in every refit and adds 1/m to the leverage. A
    penalty l leaves the share l / (e + l) of a target along an eigenvector of eigenvalue e, and all of it outside the
    basis; written by what is left, nothing cancels where l is small.

    Args:
        basis: [m, r] orthonormal eigenvectors of the centred Gram matrix of the base.
        spectrum: [r] their eigenvalues, all above zero.
        targets: [m, d] centred targets.
        penalties: [p], each above zero.

    Returns:
        [p] squared errors, summed over dimensions, mean over rows.
    """
    coefficients, squares = basis.T @ targets, np.square(basis)
    outside = targets - basis @ coefficients
    freedom = np.maximum(1 - 1 / len(targets) - squares.sum(axis=1), 0)
    errors = []
    for penalty in penalties:
        left = penalty / (spectrum + penalty)
        residuals = outside + (basis * left) @ coefficients
        errors.append(np.square(residuals / (freedom + squares @ left)[:, None]).sum())
    return np.array(errors) / len(targets)
