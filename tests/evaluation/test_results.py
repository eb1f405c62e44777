from dataclasses import replace

import pytest

from ligature.errors import DataError
from ligature.evaluation import RESULT_COLUMNS, Result, results_table

ROW = Result(
    task="retrieval",
    dataset="scenes",
    split="test",
    model="joint",
    protocol="cosine, best of 5 captions",
    metric="i2t_recall@1",
    value=0.25,
    n=200,
    seed=0,
)


def test_columns_are_the_schema_in_order():
    columns = ["task", "dataset", "split", "model", "protocol", "metric", "value", "n", "seed", "variant"]
    assert list(RESULT_COLUMNS) == columns
    assert list(results_table([]).columns) == columns


def test_table_keeps_rows_in_order_and_survives_csv(tmp_path):
    import pandas as pd

    rows = [replace(ROW, seed=seed, value=seed / 7) for seed in (2, 0, 1)]
    table = results_table(iter(rows))
    table.to_csv(tmp_path / "results.csv", index=False)
    read = pd.read_csv(tmp_path / "results.csv", float_precision="round_trip", keep_default_na=False)
    pd.testing.assert_frame_equal(read, table)
    assert [Result(**row) for row in read.to_dict("records")] == rows


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_must_be_finite(value):
    with pytest.raises(DataError, match=r"i2t_recall@1/0: value is"):
        replace(ROW, value=value)


@pytest.mark.parametrize("column", ["task", "dataset", "split", "model", "protocol", "metric"])
def test_names_must_not_be_empty(column):
    with pytest.raises(DataError, match=f"{column} is empty"):
        replace(ROW, **{column: " "})


def test_n_must_be_positive():
    with pytest.raises(DataError, match="n is 0"):
        replace(ROW, n=0)


def test_the_same_measurement_twice_is_an_error():
    results_table([ROW, replace(ROW, variant="de")])
    with pytest.raises(DataError, match=r"retrieval/scenes/test/joint/.*/i2t_recall@1/0 is given twice"):
        results_table([ROW, replace(ROW, seed=1), replace(ROW, value=0.5, n=100)])
