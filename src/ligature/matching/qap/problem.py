"""The seeded quadratic assignment problem of two Gram matrices, in its two forms."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Form = Literal["faq", "hollow"]


@dataclass(frozen=True)
class SeededProblem:
    """Maximise constant + <linear, P> + <a, P b P'> over all P that give every free x a free y of its own.

    Attributes:
        constant: the objective of the seeds among themselves.
        linear: [q, p] what a pair gains by itself, before its interplay with other free pairs.
        a: [q, q] symmetric, among the free x.
        b: [p, p] symmetric, among the free y.
    """

    constant: float
    linear: np.ndarray
    a: np.ndarray
    b: np.ndarray

    @classmethod
    def from_grams(
        cls, gram_x: np.ndarray, gram_y: np.ndarray, seeds: np.ndarray, free_x: np.ndarray, free_y: np.ndarray
    ) -> "SeededProblem":
        """Returns the problem of matching ``free_x`` to ``free_y`` while the seeds stay matched to themselves.

        Its value is the sum of the products of ``gram_x`` and the permuted ``gram_y``; the linear part is 2 A21 B21'
        (Fishkind et al., 2019, seeded graph matching).

        Args:
            gram_x: [n_x, n_x] symmetric.
            gram_y: [n_y, n_y] symmetric.
            seeds: [m] rows of both Gram matrices that are matched to each other.
            free_x: [q] rows of ``gram_x``.
            free_y: [p] rows of ``gram_y``, p >= q.
        """
        both = np.ix_(seeds, seeds)
        linear = 2 * gram_x[np.ix_(free_x, seeds)] @ gram_y[np.ix_(free_y, seeds)].T
        constant = float(np.vdot(gram_x[both], gram_y[both]))
        return cls(constant, linear, gram_x[np.ix_(free_x, free_x)], gram_y[np.ix_(free_y, free_y)])

    def in_form(self, form: Form) -> "SeededProblem":
        """Returns the problem as it is (``faq``), or with both diagonals of the quadratic part moved (``hollow``).

        A permutation maps diagonal entries to diagonal entries, so sum a_ii b_p(i)p(i) may as well stand in the linear
        part: every permutation keeps its value, and only what lies between permutations changes. Gram matrices are
        positive semidefinite, so the quadratic part is convex and every line search jumps to a permutation; and as the
        diagonal outweighs the rest, the first one it meets pins itself. Without the diagonals the search can move on.
        """
        if form == "faq":
            return self
        own_a, own_b = self.a.diagonal(), self.b.diagonal()
        linear = self.linear + np.outer(own_a, own_b)
        return SeededProblem(self.constant, linear, self.a - np.diag(own_a), self.b - np.diag(own_b))

    def value(self, columns: np.ndarray) -> float:
        """Returns the objective of a matching, ``columns`` [q] distinct: the free y of every free x."""
        linear = self.linear[np.arange(len(columns)), columns].sum()
        return float(self.constant + linear + np.vdot(self.a, self.b[np.ix_(columns, columns)]))
