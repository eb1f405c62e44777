"""Seeded FAQ with one matrix product a step: Frank-Wolfe over doubly stochastic matrices, then a permutation."""

from typing import NamedTuple

import numpy as np

from ligature.matching.qap.problem import SeededProblem

TOLERANCE = 1e-5
MAX_ITERATIONS = 30


class FaqResult(NamedTuple):
    """A matching [q] int64, the free y of every free x, and the steps that led to it."""

    columns: np.ndarray
    iterations: int


def seeded_faq(
    problem: SeededProblem,
    start: np.ndarray | None = None,
    *,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
) -> FaqResult:
    """Returns a matching by fast approximate quadratic programming (Vogelstein et al., 2015; Fishkind et al., 2019).

    The gradient at P is linear + 2 a P b. Every step moves from P towards a permutation Q; a Q b is one product, of
    ``a`` and the rows of ``b`` in the order of Q, and a P b follows by the same convex combination as P. The line
    search needs inner products of these alone. ``scipy.optimize.quadratic_assignment`` takes six products of q^3 a
    step, and gives the same matching of symmetric matrices.

    Args:
        problem: q free x and p >= q free y.
        start: None for the barycentre, all entries 1/p, whose product costs O(q p); [q] int64, the y of every x; or
            [q, p] whose rows sum to one.
        tolerance: stop after a step shorter than this, in Frobenius norm over sqrt(q).
        max_iterations: steps at most.
    """
    search = _Search(problem, start)
    for iteration in range(1, max_iterations + 1):
        if search.step() < tolerance:
            return FaqResult(search.matching(), iteration)
    return FaqResult(search.matching(), max_iterations)


def line_search(curvature: float, slope: float) -> float:
    """Returns the t in [0, 1] at which curvature t^2 + slope t is largest, 0 where both ends tie."""
    if curvature < 0 and 0 <= -slope / (2 * curvature) <= 1:
        return -slope / (2 * curvature)
    return float(curvature + slope > 0)


def assign_gains(gains: np.ndarray) -> np.ndarray:
    """Returns the assignment [q] int64 of the largest sum of gains [q, p], q <= p.

    A constant taken from a row, or from a column where all columns are used, changes no assignment. It leaves zeros
    for the Hungarian method to begin with, which saves a third of its time.
    """
    from scipy.optimize import linear_sum_assignment

    costs = gains.max(axis=1, keepdims=True) - gains
    if gains.shape[0] == gains.shape[1]:
        costs -= costs.min(axis=0)
    return linear_sum_assignment(costs)[1].astype(np.int64)


class _Search:
    """The point P [q, p], its product a P b, and the matching that P is, or None between matchings."""

    def __init__(self, problem: SeededProblem, start: np.ndarray | None) -> None:
        self.problem, shape = problem, problem.linear.shape
        self.corner = None
        if start is None:
            self.point = np.full(shape, 1 / shape[1])
            self.product = np.outer(problem.a.sum(axis=1), problem.b.sum(axis=0) / shape[1])
        elif start.ndim == 1:
            self.corner, self.point = start, np.zeros(shape)
            self.point[np.arange(len(start)), start] = 1
            self.product = problem.a @ problem.b[start]
        else:
            self.point = start.copy()
            self.product = problem.a @ (start @ problem.b)

    def step(self) -> float:
        """Moves towards the best matching for the gradient, and returns how far, in Frobenius norm over sqrt(q)."""
        columns = assign_gains(self.problem.linear + 2 * self.product)
        if self.corner is not None and (columns == self.corner).all():
            return 0.0
        towards, rows = self.problem.a @ self.problem.b[columns], np.arange(len(columns))
        away = self.point.copy()
        away[rows, columns] -= 1
        across = np.vdot(away, towards)
        slope = np.vdot(away, self.problem.linear) + 2 * across
        kept = line_search(np.vdot(away, self.product) - across, slope)
        self._move(kept, columns, towards)
        return (1 - kept) * float(np.linalg.norm(away)) / np.sqrt(len(columns))

    def _move(self, kept: float, columns: np.ndarray, towards: np.ndarray) -> None:
        """Keeps a share of P, and takes the rest from the matching ``columns``, whose product is ``towards``."""
        if kept == 1:
            return
        self.corner = columns if kept == 0 else None
        self.point *= kept
        self.point[np.arange(len(columns)), columns] += 1 - kept
        self.product = kept * self.product + (1 - kept) * towards if kept else towards

    def matching(self) -> np.ndarray:
        """Returns the matching nearest to P."""
        return assign_gains(self.point) if self.corner is None else self.corner
