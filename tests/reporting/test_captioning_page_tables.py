"""Tables of captioning: what stands in them was measured, with its scale and its interval; published ones apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from captioning_inputs import IMAGES, captioning_inputs, run_rows, several_runs, usual_inputs

from ligature.reporting.captioning.estimates import over_images, over_seeds
from ligature.reporting.captioning.published import beside_alignvlm, published_alignvlm, published_tables
from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.captioning.tables import (
    count,
    noise_table,
    score_tables,
    shot_table,
    speed_table,
    vocabulary_table,
)
from ligature.reporting.table import Table


@pytest.fixture(scope="module")
def inputs() -> CaptioningInputs:
    return usual_inputs()


def cells(table: Table, *start: str) -> dict[str, str]:
    """Returns the cells of the row that starts with some cells, by column."""
    (row,) = [row for row in table.rows if tuple(row[: len(start)]) == start]
    return dict(zip(table.header, row, strict=True))


def test_scores_are_times_a_hundred_with_their_interval(inputs: CaptioningInputs) -> None:
    (table,) = score_tables(inputs)
    rows = inputs.results.query("model == 'mlp' and variant == 'pairs=2000' and task == 'captioning'")
    found = cells(table, "MLP", "2,000 pairs")
    for label, metric in (("CIDEr-D × 100", "cider"), ("BLEU-4", "bleu4"), ("METEOR", "meteor")):
        assert found[label] == over_seeds(100 * rows.loc[rows["metric"] == metric, "value"]).cell()
    assert " to " in found["CIDEr-D × 100"]
    assert "SPICE" not in found, "what was not measured has no column"
    assert (found["visual tokens"], found["parameters of the connector"]) == ("49", "310,000")
    assert found["ended, %"].startswith("9")
    assert "times 100" in table.caption


def test_chance_stands_last_and_muted(inputs: CaptioningInputs) -> None:
    uneven = inputs.results["value"].where(inputs.results["model"] != "blind", 0.2 * inputs.results["seed"])
    (table,) = score_tables(replace(inputs, results=inputs.results.assign(value=uneven)))
    assert len(table.rows) == len(inputs.runs) + 2
    assert [row[0] for row in table.rows[-2:]] == ["shuffled", "blind"]
    assert [cells(table, name)["CIDEr-D × 100"] for name in ("shuffled", "blind")] == ["5.0", "20.0"]
    assert [cells(table, name)["METEOR"] for name in ("shuffled", "blind")] == ["–", "–"]
    assert table.muted == {len(table.rows) - 2, len(table.rows) - 1}
    assert all(len(row) == len(table.header) for row in table.rows)
    assert "shuffled, captions held against the references of other images; blind, the one caption" in table.caption


@pytest.mark.parametrize(("there", "last"), [("shuffled", ["shuffled"]), ("neither", [])])
def test_chance_that_was_not_measured_has_no_row(inputs: CaptioningInputs, there: str, last: list[str]) -> None:
    rows = inputs.results[~inputs.results["model"].isin({"shuffled", "blind"} - {there})]
    (table,) = score_tables(replace(inputs, results=rows))
    assert [row[0] for row in table.rows[len(inputs.runs) :]] == last
    assert len(table.muted) == len(last)
    assert "blind" not in table.caption
    assert ("is chance" in table.caption) == bool(last)


def test_the_raw_numbers_are_written_too(inputs: CaptioningInputs) -> None:
    (table,) = score_tables(inputs)
    row = table.data.query("run == 'align' and pairs == 'all' and metric == 'cider'").iloc[0]
    assert row["low"] < row["value"] < row["high"]
    assert (row["seeds"], row["interval"], row["scale"]) == (3, "Student's t over 3 seeds", 100)


def test_every_data_set_has_a_table(inputs: CaptioningInputs) -> None:
    other = inputs.results.query("model == 'align'").assign(dataset="flickr <b>")
    tables = score_tables(replace(inputs, results=pd.concat([inputs.results, other])))
    assert [table.name for table in tables] == ["captioning-val", "captioning-flickr=20=3Cb=3E"]
    assert {row[0] for row in tables[1].rows} == {"ALIGN"}


def test_one_seed_has_an_interval_over_images_where_all_captions_are_there() -> None:
    one = captioning_inputs(run_rows("align", pairs=("all",)), seeds=(4,))
    captions = pd.concat([one.captions] * 200, ignore_index=True)
    captions["cider"] = np.random.default_rng(0).random(200)
    whole = replace(one, captions=captions)
    (table,) = score_tables(whole)
    assert cells(table, "ALIGN")["CIDEr-D × 100"] == over_images(100 * captions["cider"]).cell()
    assert table.data.query("metric == 'cider'").iloc[0]["interval"] == "bootstrap over 200 images"
    (table,) = score_tables(replace(one, captions=captions.head(IMAGES)))
    assert " to " not in cells(table, "ALIGN")["CIDEr-D × 100"]
    assert " to " not in cells(table, "ALIGN")["BLEU-4"]


def test_examples_have_a_table_where_there_were_any(inputs: CaptioningInputs) -> None:
    table = shot_table(inputs)
    assert table.header == ["connector", "trained on", "0 shots", "2 shots"]
    rows = inputs.results.query("model == 'align' and variant == 'pairs=500;shots=2'")
    assert cells(table, "ALIGN", "500 pairs")["2 shots"] == over_seeds(100 * rows["value"]).cell()
    assert shot_table(replace(inputs, results=inputs.results.query("shots == 0"))) is None


def test_noise_has_both_distances_and_the_share_kept(inputs: CaptioningInputs) -> None:
    table = noise_table(inputs)
    assert "3 times their standard deviation" in table.caption
    align, mlp = (cells(table, name, "all pairs") for name in ("ALIGN", "MLP"))
    assert float(align["kept, %"].split()[0]) == pytest.approx(75, abs=1)
    assert float(mlp["kept, %"].split()[0]) == pytest.approx(30, abs=1)
    assert float(align["cosine distance"].split()[0]) == pytest.approx(0.02, abs=0.01)
    assert float(align["centred"].split()[0]) == pytest.approx(0.3, abs=0.01)
    assert noise_table(replace(inputs, results=inputs.results.query("task == 'captioning'"))) is None


def test_the_vocabulary_is_that_of_connectors_that_mix(inputs: CaptioningInputs) -> None:
    table = vocabulary_table(inputs)
    assert cells(table, "ALIGN, 340 tokens", "all pairs")["effective vocabulary"].startswith("204.0 (")
    assert cells(table, "MLP", "all pairs")["effective vocabulary"] == "–"
    assert cells(table, "MLP", "all pairs")["spread of visual tokens"].startswith(("3.49", "3.50"))
    assert vocabulary_table(replace(inputs, results=inputs.results.query("task == 'captioning'"))) is None


def test_speed_is_the_mean_over_seeds_with_sizes(inputs: CaptioningInputs) -> None:
    table = speed_table(inputs)
    found = cells(table, "ALIGN", "500 pairs")
    rows = inputs.speed.query("run == 'align' and pairs == '500'")
    assert found["images/s"] == f"{rows['images_per_second'].mean():.1f}"
    assert (found["peak, MiB"], found["parameters"], found["operations"]) == ("900", "2.6 M", "1e+13")
    part = replace(inputs, speed=inputs.speed.query("run == 'mlp'").assign(peak_mib=np.nan))
    assert [row[0] for row in speed_table(part).rows] == ["MLP"] * 3
    assert cells(speed_table(part), "MLP", "500 pairs")["peak, MiB"] == "–"
    assert speed_table(replace(inputs, speed=inputs.speed.iloc[:0])) is None


def test_counts_are_short() -> None:
    assert [count(value) for value in (float("nan"), 999, 12_300, 12_340_000)] == ["–", "999", "12,300", "12.3 M"]


def test_every_published_figure_says_where_it_stands() -> None:
    figures = published_alignvlm()
    assert figures["source"].str.len().min() > 10
    assert figures["value"].notna().all()
    assert not figures.duplicated(["table", "row", "dataset", "metric"]).any()
    assert {table.name for table in published_tables()} == {
        f"published-AlignVLM-{name}"
        for name in ("documents", "low-resource", "vocabulary", "noise", "speed", "unofficial")
    }


@pytest.mark.parametrize(
    ("row", "expected"),
    [("ALIGN (1B)", 52.14), ("ALIGN (3B)", 58.81), ("ALIGN (8B)", 62.88), ("MLP (3B)", 53.06), ("Ovis (3B)", 54.72)],
)
def test_the_published_average_is_that_of_its_nine_document_sets(row: str, expected: float) -> None:
    figures = published_alignvlm().query("table == 'AlignVLM documents'")
    own = figures[figures["row"] == row].set_index("dataset")["value"]
    assert own["average"] == expected
    assert own.drop("average").mean() == pytest.approx(expected, abs=0.01)
    assert len(own) == 10


def test_published_tables_have_every_figure_and_their_caveats() -> None:
    tables = {table.name.removeprefix("published-AlignVLM-"): table for table in published_tables()}
    documents = cells(tables["documents"], "Perceiver (3B)")
    assert (documents["DocVQA"], documents["average"]) == ("69.08", "50.68")
    assert cells(tables["documents"], "DocOwl1.5-8B, same data")["DocVQA"] == "–"
    assert cells(tables["noise"], "ALIGN (3B)")["cosine distance"] == "0.0036"
    assert cells(tables["low-resource"], "ALIGN")["documents, average"] == "59.32"
    assert (
        cells(tables["vocabulary"], "ALIGN (3B), 3.4 thousand tokens")["nine document sets, average score"] == "58.69"
    )
    assert cells(tables["speed"], "MLP")["seconds a sample"] == "0.161"
    unofficial = tables["unofficial"]
    assert [row[1] for row in unofficial.rows] == ["26", "47"]
    assert "no other connector was trained on the same images" in unofficial.caption
    assert "absolute, whatever their scale" in tables["noise"].caption


def test_ours_stand_beside_the_published_ones_in_one_file(inputs: CaptioningInputs) -> None:
    table = beside_alignvlm(inputs)
    assert len(table.data) == len(table.rows)
    ours = table.data[table.data["source"] == "this study"].set_index(["model", "metric"])["value"]
    assert ours["ALIGN, all pairs", "CIDEr-D × 100"] == pytest.approx(80, abs=1)
    assert ours["ALIGN, all pairs", "kept with noise 3, %"] == pytest.approx(75, abs=1)
    assert ours["MLP, 500 pairs", "peak memory, MiB"] == 900
    theirs = table.data[table.data["source"] != "this study"]
    assert len(theirs) == len(published_alignvlm())
    assert theirs["source"].str.startswith("published (").all()
    assert table.muted == set(theirs.index)


def test_a_run_that_was_not_measured_has_no_row() -> None:
    inputs = captioning_inputs(several_runs(), seeds=(0,))
    part = replace(inputs, results=inputs.results.query("model != 'mlp'"))
    assert not any(row[0] == "MLP" for row in score_tables(part)[0].rows)
