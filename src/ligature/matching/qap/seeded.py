"""Matching by a seeded quadratic assignment, from features to a permutation."""

from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import ParamsError
from ligature.matching.inputs import check_base, check_one_to_one, check_width
from ligature.matching.qap.faq import MAX_ITERATIONS, TOLERANCE, FaqResult, seeded_faq
from ligature.matching.qap.grams import Kernel, normalised_gram
from ligature.matching.qap.held_out import form_accuracies
from ligature.matching.qap.permutation import Permutation
from ligature.matching.qap.problem import Form, SeededProblem
from ligature.matching.qap.starts import StartFunction, check_start, local_cka_start, random_start

FormChoice = Literal["auto", "faq", "hollow"]
StartName = Literal["barycentre", "local-cka"]

MIN_HELD_OUT = 8


class SeededQAP:
    """Finds the matching that makes the CKA of anchors and matched pairs large (Maniparambil et al., 2024).

    A and B are the centred and normalised Gram matrices of [base; queries] on either side, each with one bandwidth, so
    the sum of the products of A and the permuted B is the CKA of the permuted pairs (arXiv 2401.05224). The sum over
    pairs of anchors is fixed; the rest is maximised by FAQ (`seeded_faq`). With more candidates than queries each side
    is centred over its own points; the objective then is that of the matched part, and no CKA.

    The form decides how the search runs, not what a matching is worth: ``faq`` is the published one, whose first step
    settles the matching; ``hollow`` (`SeededProblem.in_form`) goes on to larger objectives. Larger is not always right:
    where CKA follows the pairs closely (stretched features) hollow matches more of them rightly, elsewhere often fewer.
    So ``auto`` throws anchors among the queries (`form_accuracies`) and takes the form that matches more of these
    rightly, ``faq`` at a tie. It looks at the features of the queries, as the matching itself does, and never at their
    pairs. With fewer than eight anchors too few can be held out, and it takes ``faq``.

    Attributes:
        form_accuracy_: share of held-out anchors that each form matched rightly in the last ``match``; None where none
            were held out.
    """

    def __init__(
        self,
        form: FormChoice = "auto",
        start: StartName | StartFunction | ArrayLike = "barycentre",
        restarts: int = 0,
        seed: int = 0,
        jobs: int = 1,
        kernel: Kernel = "rbf",
        tolerance: float = TOLERANCE,
        max_iterations: int = MAX_ITERATIONS,
        folds: int = 5,
    ) -> None:
        """Sets what ``fit`` and ``match`` will do.

        Args:
            form: ``faq``, ``hollow``, or ``auto`` for the one that suits the anchors.
            start: ``barycentre``; ``local-cka``, the assignment by local CKA of the same kernel; a function of base_x,
                base_y, query_x and query_y; or an array, as is what the function returns: a matching [q], or a doubly
                stochastic matrix [q, p] (`check_start`). Held-out anchors start at the barycentre where it is an array.
            restarts: further runs from random points; the largest objective wins, the first of them at a tie.
            seed: of the random points, each of which has a generator of its own, and of the parts held out.
            jobs: threads for the restarts; they change no result. Threads, since the Hungarian method and the products
                run outside the interpreter's lock, and need no copy of the matrices as processes do.
            kernel: ``rbf`` or ``linear``.
            tolerance: length of a step at which a run ends.
            max_iterations: steps of a run at most.
            folds: parts of the anchors that ``auto`` holds out in turn.

        Raises:
            ParamsError: an unknown name, or a number out of its range.
        """
        _check_name("form", form, FormChoice)
        _check_name("kernel", kernel, Kernel)
        if isinstance(start, str):
            _check_name("start", start, StartName)
        _check_least({"restarts": restarts, "seed": seed}, 0)
        _check_least({"jobs": jobs, "max_iterations": max_iterations}, 1)
        _check_least({"folds": folds}, 2)
        if not tolerance > 0:
            raise ParamsError(f"tolerance is {tolerance}: use a number above zero")
        self.form, self.start, self.kernel = form, start, kernel
        self.restarts, self.seed, self.jobs = restarts, seed, jobs
        self.tolerance, self.max_iterations, self.folds = tolerance, max_iterations, folds

    def fit(self, base_x: ArrayLike, base_y: ArrayLike) -> Self:
        """Keeps the base.

        Args:
            base_x: [m, d_x] features of the anchors on the side of x.
            base_y: [m, d_y] features of the same anchors on the side of y, row by row.

        Raises:
            DataError: the base is too small, unpaired, constant or not finite.
            ParamsError: the form is ``auto``, and there are fewer anchors than parts to hold out.
        """
        self.base_x_, self.base_y_ = check_base(base_x, base_y)
        self.form_accuracy_ = None
        if self._holds_out() and self.folds > len(self.base_x_):
            raise ParamsError(f"folds is {self.folds}: use at most as many as there are anchors, {len(self.base_x_)}")
        return self

    def match(self, query_x: ArrayLike, query_y: ArrayLike) -> Permutation:
        """Returns for every query the candidate it is matched to, one to one.

        Args:
            query_x: [q, d_x].
            query_y: [p, d_y], p >= q; their order matters only where candidates are equal.

        Returns:
            [q] int64, with the objective, that of the seeds alone, the steps taken and the form as attributes.

        Raises:
            DataError: more queries than candidates, another width than the base, a value that is not finite, or a start
                that does not fit.
        """
        x = check_width(query_x, self.base_x_.shape[1], "query_x")
        y = check_width(query_y, self.base_y_.shape[1], "query_y")
        check_one_to_one(len(x), len(y))
        first = self._first(x, y)
        grams = self._gram(self.base_x_, x, "x"), self._gram(self.base_y_, y, "y")
        form = self._choose(grams, x, y)
        anchors = len(self.base_x_)
        queries, candidates = (np.arange(anchors, len(gram)) for gram in grams)
        problem = SeededProblem.from_grams(*grams, np.arange(anchors), queries, candidates)
        best, objective = self._best(problem.in_form(form), first)
        return Permutation(
            best.columns,
            objective=objective,
            seed_objective=problem.constant,
            iterations=best.iterations,
            form=form,
        )

    def _gram(self, base: np.ndarray, query: np.ndarray, side: str) -> np.ndarray:
        return normalised_gram(np.concatenate([base, query]), self.kernel, f"base_{side} with query_{side}")

    def _first(self, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        if callable(self.start) or isinstance(self.start, str):
            return self._start_of(self.base_x_, self.base_y_, x, y)
        return check_start(self.start, len(x), len(y))

    def _start_of(self, base_x: np.ndarray, base_y: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        """Returns the start by name or function; None for the barycentre, which stands in where it is an array."""
        if callable(self.start):
            return check_start(self.start(base_x, base_y, x, y), len(x), len(y))
        if isinstance(self.start, str) and self.start == "local-cka":
            return local_cka_start(base_x, base_y, x, y, kernel=self.kernel)
        return None

    def _solve(self, problem: SeededProblem, start: np.ndarray | None) -> FaqResult:
        return seeded_faq(problem, start, tolerance=self.tolerance, max_iterations=self.max_iterations)

    def _holds_out(self) -> bool:
        return self.form == "auto" and len(self.base_x_) >= MIN_HELD_OUT

    def _choose(self, grams: tuple[np.ndarray, np.ndarray], x: np.ndarray, y: np.ndarray) -> Form:
        """Returns the form, and keeps the accuracies by which it was chosen."""
        self.form_accuracy_ = None
        if not self._holds_out():
            return "faq" if self.form == "auto" else self.form
        all_x, all_y = np.concatenate([self.base_x_, x]), np.concatenate([self.base_y_, y])

        def start(seeds: np.ndarray, free_x: np.ndarray, free_y: np.ndarray) -> np.ndarray | None:
            return self._start_of(all_x[seeds], all_y[seeds], all_x[free_x], all_y[free_y])

        anchors = len(self.base_x_)
        self.form_accuracy_ = form_accuracies(grams, anchors, self._solve, start, folds=self.folds, seed=self.seed)
        return max(self.form_accuracy_, key=self.form_accuracy_.__getitem__)

    def _best(self, problem: SeededProblem, start: np.ndarray | None) -> tuple[FaqResult, float]:
        """Returns the run of the largest objective, and that objective."""
        from joblib import Parallel, delayed

        def run(number: int) -> tuple[FaqResult, float]:
            generator = np.random.default_rng([self.seed, number])
            result = self._solve(problem, random_start(generator, *problem.linear.shape) if number else start)
            return result, problem.value(result.columns)

        runs = Parallel(n_jobs=self.jobs, prefer="threads")(delayed(run)(number) for number in range(self.restarts + 1))
        return max(runs, key=lambda found: found[1])


def _check_name(name: str, value: object, known: object) -> None:
    if value not in get_args(known):
        raise ParamsError(f"{name} is {value!r}: use one of {', '.join(get_args(known))}")


def _check_least(values: dict[str, int], least: int) -> None:
    for name, value in values.items():
        if value < least:
            raise ParamsError(f"{name} is {value}: use {least} or more")
