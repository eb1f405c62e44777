import numpy as np
import pytest

from ligature.errors import DataError
from ligature.matching.inputs import MIN_BASE, check_base, check_features, check_one_to_one, check_width
from ligature.matching.matcher import Matcher


class Halves(Matcher):
    """Scores by the first half of x, and y as it comes; nothing but the mean is learnt."""

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.mean_x, self.mean_y = x.mean(axis=0), y.mean(axis=0)

    def _transform_x(self, x: np.ndarray) -> np.ndarray:
        return (x - self.mean_x)[:, : self.width_x_ // 2]

    def _transform_y(self, y: np.ndarray) -> np.ndarray:
        return y - self.mean_y


@pytest.fixture
def sides() -> tuple[np.ndarray, np.ndarray]:
    y = np.random.default_rng(0).normal(size=(12, 5))
    return np.concatenate([y, y], axis=1), y


def test_features_become_a_matrix_of_float64():
    for features in ([[1, 2], [3, 4]], np.ones((2, 2), np.float16)):
        checked = check_features(features, "x")
        assert checked.dtype == np.float64
        assert checked.shape == (2, 2)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([1.0, 2.0], r"base_x: expected a matrix \[n, d\], got 1 dimensions"),
        (np.ones((0, 3)), "base_x: is empty, 0 rows of 3 dimensions; give at least one"),
        (np.ones((3, 0)), "base_x: is empty, 3 rows of 0 dimensions; give at least one"),
        ([[1.0, 2.0], [np.nan, 0.0]], "base_x: row 1 holds a value that is not finite; embed it again or leave it out"),
        ([[1.0, np.inf], [np.nan, 0.0]], "base_x: row 0 holds a value that is not finite; embed it again"),
    ],
)
def test_features_that_are_no_finite_matrix_are_errors_naming_the_side(features, message):
    with pytest.raises(DataError, match=f"^{message}"):
        check_features(features, "base_x")


def test_a_paired_base_may_have_two_widths(sides):
    x, y = check_base(*sides)
    assert (x.shape, y.shape) == ((12, 10), (12, 5))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.eye(4), np.eye(5), "base: 4 rows of x against 5 of y; the base is paired row by row"),
        (np.eye(2), np.eye(2), f"base: 2 pairs; at least {MIN_BASE} are needed"),
        (np.ones((4, 2)), np.eye(4), "base_x: all 4 rows are the same; choose other anchors"),
        (np.eye(4), np.ones((4, 2)), "base_y: all 4 rows are the same; choose other anchors"),
        (np.eye(4), np.full((4, 2), np.nan), "base_y: row 0 holds a value that is not finite"),
        (np.ones(4), np.eye(4), r"base_x: expected a matrix \[n, d\], got 1 dimensions"),
    ],
)
def test_a_base_that_teaches_nothing_is_an_error(x, y, message):
    with pytest.raises(DataError, match=f"^{message}"):
        check_base(x, y)


def test_a_base_of_three_pairs_is_enough():
    check_base(np.eye(MIN_BASE), np.eye(MIN_BASE))


def test_another_width_than_the_base_is_an_error():
    assert check_width(np.eye(3), 3, "query_x").shape == (3, 3)
    with pytest.raises(DataError, match=r"^query_x: 3 dimensions, the base has 4; use the same encoder for both$"):
        check_width(np.eye(3), 4, "query_x")


def test_every_query_needs_a_candidate_of_its_own():
    check_one_to_one(3, 3)
    check_one_to_one(2, 3)
    message = r"^matching: 4 queries for 3 candidates; swap the two sides or give fewer queries$"
    with pytest.raises(DataError, match=message):
        check_one_to_one(4, 3)


def test_a_fitted_matcher_keeps_the_widths_of_both_sides(sides):
    matcher = Halves()
    assert matcher.fit(*sides) is matcher
    assert (matcher.width_x_, matcher.width_y_) == (10, 5)


def test_scores_are_dot_products_of_the_feature_vectors(sides):
    x, y = sides
    matcher = Halves().fit(x, y)
    left, right = matcher.transform_x(x[:4].tolist()), matcher.transform_y(y[:7].astype(np.float32))
    assert (left.shape, right.shape) == ((4, 5), (7, 5))
    assert (matcher.transform_x(x[2:3]) == left[2]).all()
    np.testing.assert_allclose(matcher.score(x[:4], y[:7]), left @ right.T, atol=1e-6)


def test_rank_gives_the_best_candidates_of_the_scores(sides):
    x, y = sides
    matcher = Halves().fit(x, y)
    order = np.argsort(-matcher.score(x[:4], y), axis=1, kind="stable")
    assert matcher.rank(x[:4], y, k=3).tolist() == order[:, :3].tolist()
    assert matcher.rank(x[:4], y).tolist() == order[:, :10].tolist()
    with pytest.raises(DataError, match="k = 10, but there are 9 candidates"):
        matcher.rank(x, y[:9])


def test_match_gives_every_item_of_x_an_item_of_y_of_its_own(sides):
    x, y = sides
    matcher = Halves().fit(x, y)
    shuffle = np.random.default_rng(1).permutation(12)
    assert shuffle[matcher.match(x, y[shuffle])].tolist() == list(range(12))
    assert len(set(matcher.match(x[:5], y).tolist())) == 5
    with pytest.raises(DataError, match=r"^matching: 12 queries for 5 candidates"):
        matcher.match(x, y[:5])


@pytest.mark.parametrize("call", ["score", "rank", "match"])
def test_items_of_another_width_or_not_finite_are_errors_naming_their_side(sides, call):
    x, y = sides
    matcher, broken = Halves().fit(x, y), y.copy()
    broken[2, 1] = np.nan
    for left, right, message in (
        (y, y, "^x: 5 dimensions, the base has 10"),
        (x, x, "^y: 10 dimensions, the base has 5"),
        (x, broken, "^y: row 2 holds a value that is not finite"),
    ):
        with pytest.raises(DataError, match=message):
            getattr(matcher, call)(left, right)


def test_a_matcher_is_not_fitted_on_a_base_that_is_not_paired(sides):
    x, y = sides
    with pytest.raises(DataError, match=r"^base: 12 rows of x against 11 of y"):
        Halves().fit(x, y[:11])


def test_a_method_says_how_it_learns_and_transforms():
    with pytest.raises(TypeError, match="abstract"):
        Matcher()
