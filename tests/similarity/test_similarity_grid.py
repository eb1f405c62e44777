import numpy as np
import pandas as pd
import pytest
from similarity_reference import linear_cka_plain, mutual_knn_plain, rbf_cka_plain, related

from ligature.errors import DataError
from ligature.similarity import bootstrap_interval, permutation_null, similarity_grid

COLUMNS = [
    *["vision", "text", "n", "vision_dim", "text_dim", "cka_biased", "cka_debiased", "cka_ci_low", "cka_ci_high"],
    *["cka_null_mean", "cka_null_sd", "cka_z", "cka_p", "cka_rbf", "mutual_knn"],
]


@pytest.fixture(scope="module")
def world():
    x, y = related(150, 24, 32)
    noise = np.random.default_rng(5).standard_normal((150, 40))
    return {"good": x, "noise": noise}, {"small": y[:, :8], "large": y, "good": y[:, 5:20]}


@pytest.fixture(scope="module")
def grid(world):
    return similarity_grid(*world, seed=1, permutations=20, bootstraps=30, neighbours=6)


def test_one_row_a_pair_in_order(world, grid):
    assert list(grid.columns) == COLUMNS
    assert list(zip(grid.vision, grid.text, strict=True)) == [(v, t) for v in world[0] for t in world[1]]
    assert (grid.n == 150).all()
    assert list(grid.vision_dim) == [24] * 3 + [40] * 3
    assert list(grid.text_dim) == [8, 32, 15] * 2


def test_every_column_equals_its_reference(world, grid):
    for row in grid.itertuples():
        x, y = world[0][row.vision], world[1][row.text]
        null = permutation_null(x, y, draws=20, seed=1)
        debiased = linear_cka_plain(x, y, debiased=True)
        assert row.cka_biased == pytest.approx(linear_cka_plain(x, y), abs=1e-8)
        assert row.cka_debiased == pytest.approx(debiased, abs=1e-8)
        assert row.cka_rbf == pytest.approx(rbf_cka_plain(x, y), abs=1e-8)
        assert row.mutual_knn == pytest.approx(mutual_knn_plain(x, y, 6))
        interval = bootstrap_interval(x, y, draws=30, seed=1)
        assert (row.cka_ci_low, row.cka_ci_high) == pytest.approx(interval, abs=1e-9)
        assert (row.cka_null_mean, row.cka_null_sd) == pytest.approx((null.mean(), null.std(ddof=1)), abs=1e-9)
        assert row.cka_z == pytest.approx((debiased - null.mean()) / null.std(ddof=1), abs=1e-6)
        assert row.cka_p == pytest.approx((1 + (null >= debiased).sum()) / 21)


def test_related_pairs_stand_out_and_noise_does_not(grid):
    good, noise = grid[grid.vision == "good"], grid[grid.vision == "noise"]
    assert good.cka_debiased.min() > noise.cka_debiased.max()
    assert (good.cka_p == 1 / 21).all()
    assert noise.cka_z.abs().max() < 4


def test_float16_features_and_same_seed_same_table(world):
    vision, text = ({name: values.astype(np.float16) for name, values in side.items()} for side in world)
    first, second = (similarity_grid(vision, text, seed=2, permutations=3, bootstraps=4) for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert np.isfinite(first.drop(columns=["vision", "text"]).to_numpy(dtype=float)).all()


def test_without_draws_the_columns_are_empty_but_there(world):
    table = similarity_grid(*world, seed=0, permutations=0, bootstraps=0)
    assert list(table.columns) == COLUMNS
    assert table[["cka_ci_low", "cka_ci_high", "cka_null_mean", "cka_null_sd", "cka_z", "cka_p"]].isna().all(axis=None)
    assert table[["cka_biased", "cka_debiased", "cka_rbf", "mutual_knn"]].notna().all(axis=None)


def test_errors_are_one_line_and_name_the_encoder(world):
    vision, text = world
    broken = text["large"].copy()
    broken[77, 3] = np.nan
    cases = [
        (vision, text | {"short": text["small"][:149]}, "'good' has 150 rows but text encoder 'short' has 149"),
        (vision, text | {"large": broken}, "text encoder 'large' hold NaN or infinity, first in row 77"),
        (vision | {"flat": np.ones((150, 3))}, text, "vision encoder 'flat' are the same in every row"),
        ({}, text, "at least one vision encoder"),
        ({"a": vision["good"][:3]}, {"b": text["small"][:3]}, "at least 4 rows, there are 3"),
        ({"a": vision["good"][:9]}, {"b": text["small"][:9]}, "neighbours is 10, expected from 1 to 8"),
    ]
    for left, right, message in cases:
        with pytest.raises(DataError, match=message) as caught:
            similarity_grid(left, right, seed=0, permutations=2, bootstraps=2)
        assert "\n" not in str(caught.value)
