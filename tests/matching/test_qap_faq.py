from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qap_reference import alike, best_by_trying, faq_plain, faq_scipy, symmetric

from ligature.matching.qap import SeededProblem, seeded_faq
from ligature.matching.qap.faq import assign_gains, line_search

RANKS = [None, 5, 80]


def problem_of(a, b, seeds):
    return SeededProblem.from_grams(a, b, np.arange(seeds), np.arange(seeds, len(a)), np.arange(seeds, len(b)))


def free_problem(seed, queries, candidates, rank=None):
    generator = np.random.default_rng(seed)
    linear = generator.standard_normal((queries, candidates))
    return SeededProblem(0.5, linear, symmetric(generator, queries, rank), symmetric(generator, candidates, rank))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
@pytest.mark.parametrize(("seeds", "free"), [(0, 30), (1, 2), (7, 1), (12, 40), (60, 25)])
def test_the_matching_and_the_steps_are_those_of_scipy(rank, noise, seeds, free):
    for seed in range(3):
        a, b = alike(np.random.default_rng(seed), seeds + free, rank, noise)
        found = seeded_faq(problem_of(a, b, seeds))
        columns, steps = faq_scipy(a, b, seeds)
        np.testing.assert_array_equal(found.columns, columns)
        assert found.iterations == steps
        assert found.columns.dtype == np.int64


@pytest.mark.parametrize("rank", RANKS)
def test_a_start_between_matchings_leads_where_it_leads_scipy(rank):
    a, b = alike(np.random.default_rng(3), 40, rank)
    start = (np.eye(30) + np.eye(30)[np.random.default_rng(0).permutation(30)]) / 2
    before = start.copy()
    columns, steps = faq_scipy(a, b, 10, P0=start)
    found = seeded_faq(problem_of(a, b, 10), start)
    np.testing.assert_array_equal(found.columns, columns)
    assert found.iterations == steps
    np.testing.assert_array_equal(start, before)


@pytest.mark.parametrize("form", ["faq", "hollow"])
@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(("queries", "candidates"), [(25, 25), (12, 30), (1, 9), (9, 10)])
def test_every_form_and_shape_equals_the_plain_search_from_every_start(form, rank, queries, candidates):
    problem = free_problem(queries, queries, candidates, rank).in_form(form)
    matching = np.random.default_rng(1).permutation(candidates)[:queries]
    corner = np.eye(candidates)[matching]
    barycentre = np.full((queries, candidates), 1 / candidates)
    for start, point in ((None, barycentre), (matching, corner), (corner, corner), ((corner + barycentre) / 2,) * 2):
        plain = faq_plain(problem.linear, problem.a, problem.b, point)
        np.testing.assert_array_equal(seeded_faq(problem, start).columns, plain)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(0, 3), st.sampled_from(RANKS))
def test_both_forms_give_every_matching_the_same_value(seed, queries, more, rank):
    problem = free_problem(seed, queries, queries + more, rank)
    hollow = problem.in_form("hollow")
    columns = np.random.default_rng(seed).permutation(queries + more)[:queries]
    point = np.eye(queries + more)[columns]
    plain = 0.5 + (problem.linear * point).sum() + np.trace(problem.a @ point @ problem.b @ point.T)
    assert problem.value(columns) == pytest.approx(plain, abs=1e-9)
    assert hollow.value(columns) == pytest.approx(plain, abs=1e-9)
    assert not hollow.a.diagonal().any()
    assert not hollow.b.diagonal().any()
    assert problem.in_form("faq") is problem


def test_the_forms_differ_between_matchings():
    problem = free_problem(0, 6, 6)
    hollow, point = problem.in_form("hollow"), np.full((6, 6), 1 / 6)
    values = [(p.linear * point).sum() + np.trace(p.a @ point @ p.b @ point.T) for p in (problem, hollow)]
    assert abs(values[0] - values[1]) > 0.1


@pytest.mark.parametrize("form", ["faq", "hollow"])
def test_no_step_makes_the_value_smaller(form):
    problem = free_problem(4, 30, 30, 6).in_form(form)
    start = np.random.default_rng(5).permutation(30)
    found = [seeded_faq(problem, start, max_iterations=steps) for steps in range(1, 12)]
    values = [problem.value(start)] + [problem.value(result.columns) for result in found]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(values))
    assert values[-1] > values[0]


def test_a_matching_that_cannot_be_bettered_is_kept_in_one_step():
    problem = free_problem(2, 5, 7, 3)
    first = seeded_faq(problem)
    again = seeded_faq(problem, first.columns)
    np.testing.assert_array_equal(again.columns, first.columns)
    assert again.iterations == 1


def test_a_problem_without_interplay_is_solved_exactly():
    problem = free_problem(0, 4, 6)
    problem = SeededProblem(0.0, problem.linear, np.zeros((4, 4)), np.zeros((6, 6)))
    assert problem.value(seeded_faq(problem).columns) == pytest.approx(best_by_trying(problem.value, 4, 6))


def test_small_problems_are_mostly_solved_and_never_exceeded():
    reached = 0
    for seed in range(20):
        a, b = alike(np.random.default_rng(seed), 10, 4, noise=0.1)
        problem = problem_of(a, b, 5)
        best, found = best_by_trying(problem.value, 5, 5), problem.value(seeded_faq(problem).columns)
        assert found <= best + 1e-9
        reached += found >= best - 1e-9
    assert reached >= 14


def test_the_problem_of_grams_is_their_inner_product():
    generator = np.random.default_rng(0)
    a, b = symmetric(generator, 9), symmetric(generator, 11)
    seeds, free_x, free_y = np.array([4, 1, 7]), np.array([0, 8, 2, 3]), np.array([2, 10, 0, 9, 3, 5])
    problem, columns = SeededProblem.from_grams(a, b, seeds, free_x, free_y), np.array([5, 0, 3, 1])
    left, right = np.concatenate([seeds, free_x]), np.concatenate([seeds, free_y[columns]])
    assert problem.value(columns) == pytest.approx((a[np.ix_(left, left)] * b[np.ix_(right, right)]).sum())
    assert problem.constant == pytest.approx((a[np.ix_(seeds, seeds)] * b[np.ix_(seeds, seeds)]).sum())


def test_a_permutation_of_itself_is_found():
    generator = np.random.default_rng(0)
    a = symmetric(generator, 60, 8)
    order = generator.permutation(50)
    rows = np.concatenate([np.arange(10), 10 + order])
    found = seeded_faq(problem_of(a, a[np.ix_(rows, rows)], 10))
    np.testing.assert_array_equal(found.columns, np.argsort(order))


@settings(max_examples=25, deadline=None)
@given(st.floats(-5, 5), st.floats(-5, 5))
def test_the_line_search_finds_the_largest_value(curvature, slope):
    grid = np.linspace(0, 1, 1001)
    found = line_search(curvature, slope)
    assert 0 <= found <= 1
    assert curvature * found**2 + slope * found >= (curvature * grid**2 + slope * grid).max() - 1e-12


def test_the_line_search_takes_what_is_inside_an_end_or_at_a_tie_zero():
    assert line_search(-2.0, 1.0) == 0.25
    assert line_search(-1.0, 4.0) == 1.0
    assert line_search(-1.0, -1.0) == 0.0
    assert line_search(3.0, -1.0) == 1.0
    assert line_search(3.0, -4.0) == 0.0
    assert line_search(2.0, -2.0) == 0.0
    assert line_search(0.0, 0.0) == 0.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 2))
def test_an_assignment_has_the_largest_sum(seed, queries, more):
    gains = np.random.default_rng(seed).standard_normal((queries, queries + more)) * 1e-4 + 7
    columns = assign_gains(gains)
    assert len(set(columns)) == queries

    def total(chosen):
        return gains[np.arange(queries), chosen].sum()

    assert total(columns) == pytest.approx(best_by_trying(total, queries, queries + more), abs=1e-12)


def test_a_tolerance_ends_the_search_early():
    problem = free_problem(0, 40, 40)
    assert seeded_faq(problem, tolerance=10).iterations == 1
    assert 1 < seeded_faq(problem, max_iterations=3).iterations <= 3
