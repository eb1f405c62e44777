import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ligature.errors import DataError
from ligature.similarity import metric_correlations


@pytest.fixture
def table():
    generator = np.random.default_rng(0)
    recall = generator.random(20)
    return pd.DataFrame(
        {
            "recall": recall,
            "cka": recall**3,
            "noise": np.round(generator.random(20), 1),
            "flat": 0.5,
            "name": [f"pair {i}" for i in range(20)],
        }
    )


def test_values_equal_scipy(table):
    result = metric_correlations(table, ["cka", "noise"], "recall").set_index("metric")
    for metric in ("cka", "noise"):
        x, y = table[metric], table.recall
        row = result.loc[metric]
        assert row.pearson == pytest.approx(stats.pearsonr(x, y).statistic)
        assert row.spearman == pytest.approx(stats.spearmanr(x, y).statistic)
        assert row.kendall == pytest.approx(stats.kendalltau(x, y).statistic)
        assert row.spearman_low <= row.spearman <= row.spearman_high
        assert row.n == 20
    assert result.loc["cka", "spearman"] == pytest.approx(1)
    assert result.loc["noise", "spearman_high"] - result.loc["noise", "spearman_low"] > 0.3


def test_missing_values_are_left_out(table):
    table.loc[3, "cka"], table.loc[5, "recall"], table.loc[6, "cka"] = np.nan, np.nan, np.inf
    row = metric_correlations(table, ["cka"], "recall").iloc[0]
    assert row.n == 17
    assert row.spearman == pytest.approx(1)


def test_too_few_pairs_or_no_variation_give_nan(table):
    few = metric_correlations(table.head(2), ["cka", "noise"], "recall")
    assert few.drop(columns=["metric", "n"]).isna().all(axis=None)
    assert list(few.n) == [2, 2]
    flat = metric_correlations(table, ["flat"], "recall")
    assert flat.drop(columns=["metric", "n"]).isna().all(axis=None)
    assert list(flat.columns) == ["metric", "pearson", "spearman", "spearman_low", "spearman_high", "kendall", "n"]


def test_same_seed_same_interval(table):
    first, second = (metric_correlations(table, ["noise"], "recall", seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_missing_column_is_named(table):
    with pytest.raises(DataError, match="no column 'cka_debiased'"):
        metric_correlations(table, ["cka_debiased"], "recall")
