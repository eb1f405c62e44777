"""Result rows of several questions: variants are kept apart, and only the main ones stand in the main tables."""

from pathlib import Path

import pandas as pd
import pytest
from evaluation_inputs import (
    PAIR,
    further_results,
    language_results,
    prompt_results,
    rows_table,
    sweep_results,
)
from reporting_inputs import results_table

from ligature.errors import DataError
from ligature.reporting.aggregate import CHANCE, main_rows, over_seeds, task_rows, with_chance, with_variants
from ligature.reporting.beside_published import OURS, THEIRS, beside_published
from ligature.reporting.outcome_readings import result_readings
from ligature.reporting.readers import read_results
from ligature.reporting.result_tables import measured_table, prompt_tables, published_figures, result_tables


def whole_table() -> pd.DataFrame:
    return pd.concat([results_table(), further_results()], ignore_index=True)


def test_variants_are_measurements_of_their_own() -> None:
    table = language_results()
    assert len(over_seeds(table)) == len(table)
    rows = with_chance(table)
    assert len(rows) == (table["model"] != CHANCE).sum()
    assert rows["chance"].notna().all()


def test_chance_of_one_variant_is_not_that_of_another() -> None:
    rows = [
        ("retrieval", "val", model, "cosine", "i2t_recall@1", value, 100, variant)
        for variant, chance in (("", 0.01), ("de", 0.02))
        for model, value in ((PAIR, 0.5), (CHANCE, chance))
    ]
    assert with_chance(rows_table(rows)).set_index("variant")["chance"].to_dict() == {"": 0.01, "de": 0.02}


def test_rows_without_variants_are_main_rows() -> None:
    table = results_table().drop(columns="variant")
    assert set(with_variants(table)["variant"]) == {""}
    assert set(with_variants(table.assign(variant=float("nan")))["variant"]) == {""}
    assert len(main_rows(table)) == len(table)


def test_main_tables_and_readings_do_not_know_the_rest() -> None:
    assert main_rows(whole_table())["task"].isin(["classification", "retrieval"]).all()
    (alone, both) = (result_tables(table) for table in (results_table(), whole_table()))
    assert [table.rows for table in alone] == [table.rows for table in both]
    assert result_readings(results_table()) == result_readings(whole_table())
    assert set(task_rows(whole_table(), "gap")["task"]) == {"gap"}


def test_prompt_sets_stand_under_the_main_templates_with_one_chance() -> None:
    (table,) = prompt_tables(whole_table())
    assert [row[1:4] for row in table.rows] == [
        ["main", "one template", PAIR],
        ["single", "1 prompts", PAIR],
        ["eighty", "80 prompts", PAIR],
        ["main", "one template", CHANCE],
    ]
    assert table.muted == {3}
    assert [row[-1] for row in table.rows] == ["60.0", "55.0", "65.0", "5.0"]
    assert prompt_tables(results_table()) == []


def test_rows_stand_in_the_order_they_come_in_and_chance_is_last() -> None:
    rows = over_seeds(prompt_results().iloc[::-1])
    keys = ["dataset", "variant", "protocol", "model"]
    table = measured_table("name", "caption", rows, keys, keys)
    assert [row[1] for row in table.rows] == ["eighty", "single", "eighty", "single"]
    assert table.muted == {2, 3}


@pytest.mark.parametrize("variants", [["", "8", "16"], ["8", "16", "32"], ["all", "8", ""]])
def test_lengths_are_read_as_they_were_written(tmp_path: Path, variants: list[str]) -> None:
    table = results_table().iloc[:3].assign(variant=variants)
    table.to_csv(tmp_path / "results.csv", index=False)
    assert list(read_results(tmp_path / "results.csv")["variant"]) == variants


def test_absent_results_are_empty_and_broken_ones_one_line(tmp_path: Path) -> None:
    empty = read_results(tmp_path / "nowhere.csv")
    assert empty.empty
    assert {"variant", "value"} <= set(empty)
    path = tmp_path / "results.csv"
    results_table().astype({"value": object}).assign(value="much").to_csv(path, index=False)
    with pytest.raises(DataError, match="column 'value', row 1: not a finite number"):
        read_results(path)
    results_table().assign(value=float("inf")).to_csv(path, index=False)
    with pytest.raises(DataError, match="not a finite number"):
        read_results(path)


def test_ours_and_published_figures_are_told_apart_by_their_source() -> None:
    ours = over_seeds(sweep_results())
    table = beside_published("T1", ours[(ours["model"] == "first") & (ours["metric"] == "top1")])
    assert set(table.data["source"]) == {OURS, THEIRS}
    assert table.rows[0] == (OURS, "first", "labels", "top-1", "30.00")
    published = published_figures().query("table == 'T1'")
    theirs = table.data[table.data["source"] == THEIRS]
    assert list(theirs["percent"]) == list(published["value"])
    assert list(theirs["model"]) == list(published["row"])
    assert table.muted == set(range(1, 8))


def test_published_numbers_of_pairs_are_no_percentages() -> None:
    table = beside_published("T3", over_seeds(results_table().iloc[[0]]))
    assert "million" not in set(table.data["metric"])
    assert len(table.rows) == 1 + 5 * 11
