"""Which form of the problem suits the features: told by anchors thrown among the queries, never by the answer."""

from collections.abc import Callable
from typing import get_args

import numpy as np

from ligature.matching.qap.faq import FaqResult
from ligature.matching.qap.problem import Form, SeededProblem

Solver = Callable[[SeededProblem, np.ndarray | None], FaqResult]
Starter = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray | None]

ENOUGH = 100


def form_accuracies(
    grams: tuple[np.ndarray, np.ndarray], anchors: int, solve: Solver, start: Starter, *, folds: int, seed: int
) -> dict[Form, float]:
    """Returns the share of held-out anchors that each form matches rightly.

    The anchors are dealt at random into ``folds`` parts of the same size. Each part in turn is thrown among the queries
    and matched together with them, with the other anchors as seeds, until ``ENOUGH`` anchors were held out or none is
    left. So the task is the one that is to be solved, but for the seeds that are missing; on anchors alone it would be
    easier wherever the queries outnumber them.

    Args:
        grams: [m + q, m + q] and [m + p, m + p] normalised Gram matrices, anchors first.
        anchors: m.
        solve: finds a matching from a start.
        start: from rows of the Gram matrices (seeds, free rows of x, free rows of y) to a start.
        folds: parts, from 2 to m.
        seed: of the deal, and of the order of the candidates.
    """
    generator, held = np.random.default_rng(seed), 0
    queries, candidates = (np.arange(anchors, len(gram)) for gram in grams)
    right: dict[Form, int] = dict.fromkeys(get_args(Form), 0)
    for part in np.array_split(generator.permutation(anchors), folds):
        free_x, free_y = np.concatenate([part, queries]), generator.permutation(np.concatenate([part, candidates]))
        seeds = np.setdiff1d(np.arange(anchors), part)
        problem, first = SeededProblem.from_grams(*grams, seeds, free_x, free_y), start(seeds, free_x, free_y)
        for form in right:
            matched = free_y[solve(problem.in_form(form), first).columns]
            right[form] += int((matched[: len(part)] == part).sum())
        held += len(part)
        if held >= ENOUGH:
            break
    return {form: hits / held for form, hits in right.items()}
