"""Tables: seeds, chance, published figures, markdown, the terminal."""

import io
import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting_inputs import HOSTILE, STORES, correlations_table, pairs_table, results_table

from ligature.reporting import results_summary
from ligature.reporting.aggregate import over_seeds, with_chance
from ligature.reporting.fact_tables import projector_table, store_table
from ligature.reporting.pair_tables import correlation_table, pair_tables
from ligature.reporting.result_tables import published_figures, published_tables, result_tables
from ligature.reporting.table import Table

CHOSEN = {"vision": "resnet-good", "text": "words"}


def seeded(values: list[float]) -> pd.DataFrame:
    row = results_table().iloc[[0]]
    return pd.concat([row.assign(value=value, seed=seed) for seed, value in enumerate(values)])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_seeds_become_mean_and_sample_deviation(values: list[float]) -> None:
    (row,) = over_seeds(seeded(values)).itertuples()
    assert row.value == pytest.approx(statistics.fmean(values))
    assert row.sd == pytest.approx(statistics.stdev(values), abs=1e-12)
    assert row.seeds == len(values)


def test_chance_stands_beside_every_measurement() -> None:
    rows = with_chance(results_table()).set_index("metric")
    assert rows.loc["top1", "chance"] == 0.05
    assert rows.loc["i2t_recall@1", "chance"] == 0.01
    assert math.isnan(rows.loc["i2t_median_rank", "chance"])
    assert "chance" not in set(rows["model"])


def test_summary_is_aligned_text_in_percent() -> None:
    lines = results_summary(results_table()).splitlines()
    assert len(lines) == 1 + 4
    assert lines[0].split() == ["task", "dataset", "model", "metric", "value", "chance"]
    assert lines[1].split()[-4:] == ["60.0", "%", "5.0", "%"]
    assert lines[4].split()[-2:] == ["4", "–"]
    start = lines[0].index("dataset")
    assert [line[start:].split()[0] for line in lines] == ["dataset", "labels", "val", "val", "val"]
    assert all(line[start - 1] == " " for line in lines)


def test_summary_shows_deviation_over_seeds() -> None:
    assert "60.0 ± 14.1 %" in results_summary(seeded([0.5, 0.7]))


def test_summary_keeps_hostile_names_on_one_line() -> None:
    assert len(results_summary(results_table().assign(dataset=HOSTILE)).splitlines()) == 5


def test_results_have_chance_under_the_model() -> None:
    classification, retrieval = result_tables(results_table())
    assert classification.rows == [
        ["labels", "val", "one template", "resnet-good + minilm", "200", "60.0"],
        ["labels", "val", "one template", "chance", "200", "5.0"],
    ]
    assert classification.muted == {1}
    assert retrieval.header[-3:] == ["i→t R@1", "t→i R@1", "i→t median rank"]
    assert retrieval.rows[1][-3:] == ["1.0", "1.0", "–"]
    (mixed,) = result_tables(results_table().iloc[2:].assign(n=[40, 200, 40, 40, 200]))
    assert [row[4] for row in mixed.rows] == ["40 / 200", "40 / 200"]


def test_pair_table_is_sorted_and_marks_the_chosen_pair() -> None:
    (table,) = pair_tables(pairs_table(), CHOSEN)
    similarities = [float(row[3]) for row in table.rows]
    assert similarities == sorted(similarities, reverse=True)
    (chosen,) = table.strong
    assert table.rows[chosen][:2] == ["resnet-good", "words"]
    assert table.rows[0][4] == "0.530 to 0.570"
    assert all(len(row) == len(table.header) for row in table.rows)
    assert {"cka_null_mean", "cka_null_sd"} <= set(table.data)


def test_pair_table_without_probe_has_no_empty_columns() -> None:
    probe = [column for column in pairs_table() if column.startswith("probe_")]
    (table,) = pair_tables(pairs_table().drop(columns=probe), CHOSEN)
    assert table.header[-1] == "k-NN"


def test_correlations_with_and_without_intervals() -> None:
    plain = correlation_table(correlations_table())
    assert plain.header == ["data set", "metric", "pairs", "mean recall", "loss"]
    assert plain.rows[3] == ["val", "mutual k-NN", "6", "−1.00 / −1.00", "1.00 / 1.00"]
    bounds = correlation_table(correlations_table().assign(spearman_low=0.2, spearman_high=0.9))
    assert bounds.rows[0][3] == "1.00 [0.20, 0.90] / 1.00"


def test_parts_of_a_store_are_put_together() -> None:
    table = store_table(pd.DataFrame(STORES))
    assert list(table.rows) == [
        ("val", "image", "pixels", "pooled", "64", "–", "60", "4", "–"),
        ("val", "text", "minilm", "–", "8", "16", "300", "–", "7"),
    ]
    tokens = store_table(pd.DataFrame([STORES[0], STORES[0] | {"view": "tokens"}]))
    assert [row[3] for row in tokens.rows] == ["pooled", "tokens"]


def test_projector_facts_are_values_only() -> None:
    facts = {"steps": 1200, "loss": 0.123456, "settings": {"a": 1}}
    table = projector_table({"config": {"widths": [64, 8], "loss": None}, "facts": facts})
    assert list(table.rows) == [
        ("config", "widths", "64, 8"),
        ("config", "loss", "–"),
        ("facts", "steps", "1,200"),
        ("facts", "loss", "0.1235"),
    ]


def test_markdown_escapes_what_would_be_read_as_markup() -> None:
    table = Table(
        "name", "caption", pd.DataFrame(), ["a|b", "n"], [[HOSTILE, "1"], ["*x*", "2"]], strong=frozenset({1})
    )
    header, rule, first, second = table.markdown().splitlines()
    assert header == "| a\\|b | n |"
    assert rule == "| --- | ---: |"
    assert "<script>" not in first
    assert "&lt;script&gt;" in first
    assert second == "| **\\*x\\*** | **2** |"


def test_saved_table_reads_back(tmp_path) -> None:
    (table,) = pair_tables(pairs_table(), CHOSEN)
    table.save(tmp_path)
    again = pd.read_csv(tmp_path / f"{table.name}.csv")
    pd.testing.assert_frame_equal(again, table.data)
    markdown = (tmp_path / f"{table.name}.md").read_text()
    read = pd.read_csv(io.StringIO(markdown), sep="|", skipinitialspace=True).iloc[1:]
    assert len(read) == 6


def published(table: str, row: str) -> dict[tuple[str, str], float]:
    figures = published_figures()
    rows = figures[(figures["table"] == table) & (figures["row"] == row)]
    return rows.set_index(["dataset", "metric"])["value"].to_dict()


def test_published_figures_are_complete() -> None:
    figures = published_figures()
    assert list(figures.columns) == ["table", "row", "dataset", "metric", "value", "source"]
    assert figures.groupby("table").size().to_dict() == {
        **{"T1": 7, "T2": 4 * 4, "T3": 5 * 12, "T4": 5 * 4},
        **{"T5": 3 * 2, "T6": 9 * 12, "T7": 3 * 6},
    }
    assert figures["source"].str.contains("arXiv 2409.19425").all()
    assert not figures.duplicated(["table", "row", "dataset", "metric"]).any()
    assert np.isfinite(figures["value"]).all()


def test_published_tables_agree_with_each_other() -> None:
    best = published("T3", "DINOv2-ARL")
    longest = published("T2", "both, trained longer")
    assert best["ImageNet", "top1"] == longest["ImageNet", "top1"] == published("T7", "DINOv2-ARL")["ImageNet", "top1"]
    for direction in ("i2t_recall@1", "t2i_recall@1"):
        retrieval = published("T4", "DINOv2-ARL")["Flickr30k", direction]
        assert retrieval == pytest.approx(longest["Flickr30k", direction], abs=0.1)
    assert published("T1", "token / token / token / mlp") == {
        ("ImageNet", "top1"): published("T2", "LAION-CLASS")["ImageNet", "top1"]
    }


def test_published_averages_are_means_of_their_languages() -> None:
    figures = published_figures()
    for (_, _), rows in figures[figures["table"] == "T6"].groupby(["row", "metric"]):
        values = rows.set_index("dataset")["value"]
        assert values.drop("average").mean() == pytest.approx(values["average"], abs=0.11)


def test_published_tables_keep_their_digits() -> None:
    tables = published_tables()
    assert tables["T2"].rows[0] == ["LAION-CLASS", "6", "76.12", "52.70", "42.48"]
    assert tables["T7"].rows[0][-2:] == ["21,845", "75.3"]
    assert all("Published, not measured here" in table.caption for table in tables.values())
