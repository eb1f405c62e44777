"""Tables of matching: methods by metric, by language and by setting, each with its interval and chance."""

import pandas as pd
import pytest
from matching_inputs import EXPERIMENTS, Experiment, cka_table, matching_inputs

from ligature.reporting.matching import tables as matching_tables
from ligature.reporting.matching.cka import agreement_points, agreement_table, shuffle_means, shuffle_table
from ligature.reporting.matching.rows import (
    METHODS,
    at_reference,
    axis_value,
    described,
    interval_cell,
    main_metric,
    method_label,
    method_rank,
    setting_label,
    share_rows,
    varying,
)
from ligature.reporting.matching.tables import cut, experiment_tables, language_tables, setting_order, settings_table
from ligature.reporting.text import metric_label


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return share_rows(matching_inputs(EXPERIMENTS).results)


def of(rows: pd.DataFrame, experiment: str) -> pd.DataFrame:
    return rows[rows["experiment"] == experiment]


def test_every_method_has_a_name_of_its_own_and_a_rank() -> None:
    assert len(set(METHODS.values())) == len(METHODS)
    assert method_label("ridge") == "ridge"
    assert method_label("ridge", "csls") == "ridge + CSLS"
    assert method_label("<b>new</b>") == "<b>new</b>"
    assert method_rank("local-cka-rbf") == 0
    assert method_rank("new") == len(METHODS)
    assert sorted(METHODS, key=method_rank)[:8] == [
        *("local-cka-rbf", "qap", "qap-faq", "ridge", "kernel-ridge", "cca"),
        *("relative-centred", "linear-unregularised"),
    ], "figures draw the first eight"


def test_settings_are_called_by_what_was_done() -> None:
    assert setting_label("random", "none") == "none"
    assert setting_label("text-clusters", "none") == "text clusters"
    assert setting_label("image-clusters", "base") == "image clusters + stretch (anchors)"
    frame = pd.DataFrame({"setting": ["a + b", "none", "b", "a"]})
    assert setting_order(frame) == ["none", "b", "a", "a + b"]


def test_chance_stands_beside_every_share_and_objectives_are_none(rows: pd.DataFrame) -> None:
    assert "chance" not in set(rows["model"])
    assert not rows["metric"].str.contains("objective").any()
    assert rows["chance"].notna().all()
    assert set(of(rows, "sizes").query("metric == 'top10'")["chance"]) == {0.02}
    assert set(of(rows, "classes").query("metric == 'top10'")["chance"]) == {0.1}


def test_axes_are_described_or_vary(rows: pd.DataFrame) -> None:
    sizes = of(rows, "sizes")
    assert varying(sizes) == ["base_size", "direction", "captions"]
    assert described(sizes) == (
        "anchors of: coco; queries of: nocaps; vision encoder: dinov2-large; text encoder: roberta; "
        "queries: 500; anchors chosen: at random; stretch: none"
    )
    assert "stretch" not in described(sizes, without=["stretch"])
    assert axis_value("base_size", 1000.0) == "1,000"
    assert axis_value("variant", "de") == "German"
    one = at_reference(sizes, ["base_size", "direction"])
    assert (set(one["base_size"]), set(one["direction"])) == ({320}, {"i2t"})


def test_an_interval_stands_in_brackets() -> None:
    assert interval_cell(0.5, 0.25, 0.625) == "50.0 (25.0–62.5)"
    assert interval_cell(0.5, float("nan"), 0.6) == "50.0"


def test_a_table_of_an_experiment_has_a_row_a_method_and_setting(rows: pd.DataFrame) -> None:
    tables = {table.name: table for table in experiment_tables(rows)}
    assert list(tables) == [f"matching-results-{name}" for name in ("sizes", "settings", "encoders", "classes")]
    table = tables["matching-results-sizes"]
    assert table.header == [
        *("direction", "captions", "method"),
        *("matching accuracy", "top-1", "top-5", "top-10", "top-1 + CSLS"),
    ]
    assert len(table.rows) == 2 * 2 * 8 + 1
    assert [row[2] for row in table.rows[:8]] == [
        *("local CKA (RBF)", "QAP (form chosen)", "ridge", "kernel ridge"),
        *("centred relative", "linear without penalty", "relative", "QAP (hollow)"),
    ]
    assert {tuple(row[:2]) for row in table.rows[:8]} == {("image→text", "averaged")}
    assert {tuple(row[:2]) for row in table.rows[-9:-1]} == {("text→image", "single")}
    assert table.rows[-1] == ["", "", "chance", "0.2", "0.2", "1.0", "2.0", "0.2"]
    assert table.muted == {len(table.rows) - 1}


def test_the_column_of_csls_holds_the_corrected_top1_of_its_row(rows: pd.DataFrame) -> None:
    """A dash stands where a method has no ranking; every other cell is the one of its method and setting."""
    sizes = of(rows, "sizes")
    (table,) = experiment_tables(sizes)
    place = table.header.index(f"{metric_label('top1')} + CSLS")
    shown = {tuple(row[:3]): row[place] for row in table.rows[:-1]}
    corrected = sizes.query("post == 'csls' and metric == 'top1' and base_size == 320")
    expected = {
        (
            *(axis_value(axis, row[axis]) for axis in ("direction", "captions")),
            method_label(row["model"]),
        ): interval_cell(row["value"], row["low"], row["high"])
        for _, row in corrected.iterrows()
    }
    unranked = {key for key in shown if key[2].startswith("QAP")}
    assert (len(expected), len(unranked)) == (2 * 2 * 6, 2 * 2 * 2)
    assert len(set(expected.values())) > 2 * 2 * 6 / 2, "cells that are all alike would show nothing"
    assert shown == expected | dict.fromkeys(unranked, "–")
    assert all(row[4:] == ["–", "–", "–", "–"] for row in table.rows if tuple(row[:3]) in unranked)
    assert all(row[4] != row[place] for row in table.rows[:-1] if tuple(row[:3]) not in unranked)


def test_without_csls_there_is_no_column_of_it(rows: pd.DataFrame) -> None:
    tables = {table.name: table for table in experiment_tables(rows)}
    with_csls = [name for name, table in tables.items() if "CSLS" in " ".join((*table.header, table.caption))]
    assert with_csls == ["matching-results-sizes"]
    assert tables["matching-results-encoders"].header[-4:] == ["matching accuracy", "top-1", "top-5", "top-10"]
    (plain,) = experiment_tables(of(rows, "sizes").query("post == ''"))
    assert plain.header[-4:] == ["matching accuracy", "top-1", "top-5", "top-10"]
    assert all(len(row) == len(plain.header) for row in plain.rows)


def test_a_long_table_is_cut_to_the_most_anchors_and_says_so(rows: pd.DataFrame) -> None:
    sizes = of(rows, "sizes")
    (table,) = experiment_tables(sizes)
    assert "anchors: 320" in table.caption
    cells = sum(cell != "–" for row in table.rows[:-1] for cell in row[3:])
    assert cells == 2 * 2 * (8 + 6 * 3 + 6)
    left = len(sizes) - cells
    assert f" {left} further values in the file beside the page" in table.caption
    assert len(table.data) == len(sizes)
    assert "CSLS looks at all queries" in table.caption
    assert "Averaged captions: the mean" in table.caption


def test_a_table_is_cut_axis_by_axis_until_it_fits(rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching_tables, "MOST_ROWS", 30)
    assert varying(cut(of(rows, "sizes"))) == ["direction"]
    (table,) = experiment_tables(of(rows, "sizes"))
    assert table.header[:2] == ["direction", "method"], "a column of CSLS takes no room of the rows"
    assert len(table.rows) == 2 * 8 + 1
    monkeypatch.setattr(matching_tables, "MOST_ROWS", 1)
    assert varying(cut(of(rows, "sizes"))) == []
    assert varying(cut(of(rows, "languages"), without=("variant",))) == ["variant"]


def test_a_table_has_sixty_rows_at_most(rows: pd.DataFrame) -> None:
    assert matching_tables.MOST_ROWS == 60
    fits = Experiment(methods=("ridge", "relative"), sizes=tuple(range(1, 31)))
    long = Experiment(methods=("ridge", "relative"), sizes=tuple(range(1, 32)))
    one, other = experiment_tables(share_rows(matching_inputs({"fits": fits, "long": long}, draws=1).results))
    assert (len(one.rows), len(other.rows)) == (60 + 1, 2 + 1)
    assert "further values" not in one.caption
    assert f" {30 * 2 * 4} further values" in other.caption


def test_the_shown_value_is_the_one_of_its_cell(rows: pd.DataFrame) -> None:
    (table,) = experiment_tables(of(rows, "settings"))
    place = next(
        index
        for index, row in enumerate(table.rows)
        if row[:3] == ["clusters of images", "by both pools (transductive)", "ridge"]
    )
    cell = of(rows, "settings").query(
        "selection == 'image-clusters' and stretch == 'transductive' and model == 'ridge' and metric == 'top5'"
    )
    assert len(cell) == 1
    row = cell.iloc[0]
    assert table.rows[place][5] == interval_cell(row["value"], row["low"], row["high"])
    assert "looks at all queries before it matches any" in table.caption


def test_classes_have_their_own_gallery_and_no_matching(rows: pd.DataFrame) -> None:
    (table,) = experiment_tables(of(rows, "classes"))
    assert table.header == ["method", "top-1", "top-5", "top-10"]
    assert table.rows[-1] == ["chance", "1.0", "5.0", "10.0"]
    assert table.caption.endswith("The gallery is the class names in sentences.")
    assert main_metric(of(rows, "classes")) == "top1"
    assert main_metric(of(rows, "sizes")) == "matching_accuracy"


def test_languages_are_columns(rows: pd.DataFrame) -> None:
    accuracy, top1 = language_tables(rows)
    assert accuracy.name == "matching-languages-languages-matching_accuracy"
    assert accuracy.header == top1.header == ["method", "German", "Japanese"]
    assert [row[0] for row in accuracy.rows] == ["local CKA (RBF)", "ridge", "relative", "chance"]
    assert accuracy.caption.startswith("Matching accuracy by language. ")
    assert "CSLS" not in accuracy.caption
    assert experiment_tables(of(rows, "languages")) == []


def test_csls_has_rows_in_a_table_by_language_and_its_note() -> None:
    experiment = Experiment(methods=("ridge",), languages=("de", "ja"), posts=("", "csls"))
    for table in language_tables(share_rows(matching_inputs({"one": experiment}).results)):
        assert [row[0] for row in table.rows] == ["ridge", "ridge + CSLS", "chance"]
        assert "CSLS looks at all queries" in table.caption


def test_settings_are_columns_of_one_table(rows: pd.DataFrame) -> None:
    table = settings_table(rows)
    assert table.header == [
        *("method", "none", "stretch (both pools)", "image clusters"),
        "image clusters + stretch (both pools)",
    ]
    assert [row[0] for row in table.rows][:3] == ["local CKA (RBF)", "QAP (form chosen)", "ridge"]
    assert set(table.data["experiment"]) == {"settings"}
    assert settings_table(of(rows, "sizes")) is None


def test_settings_of_two_experiments_stand_one_below_the_other() -> None:
    two = {"one": EXPERIMENTS["settings"], "two": Experiment(methods=("ridge",), stretches=("none", "base"))}
    table = settings_table(share_rows(matching_inputs(two).results))
    assert table.header[:2] == ["experiment", "method"]
    assert table.header[2:] == [
        *("none", "stretch (both pools)", "image clusters", "stretch (anchors)"),
        "image clusters + stretch (both pools)",
    ]
    last = table.rows[-2]
    assert last[:2] == ["two", "ridge"]
    assert [cell == "–" for cell in last[2:]] == [False, True, True, False, True]


def test_every_table_can_be_saved(rows: pd.DataFrame, tmp_path) -> None:
    tables = [*experiment_tables(rows), *language_tables(rows), settings_table(rows), shuffle_table(cka_table())]
    for table in tables:
        assert all(len(row) == len(table.header) for row in table.rows)
        table.save(tmp_path / table.name)
    assert len({table.name for table in tables}) == len(tables)


def test_accuracy_stands_beside_the_kernel_cka_of_the_same_pair(rows: pd.DataFrame) -> None:
    points = agreement_points(rows, cka_table())
    assert len(points) == 5 * 2
    assert set(points["experiment"]) == {"encoders"}
    table = agreement_table(points)
    row = next(row for row in table.rows if row[1] == "dinov2-large" and row[3] == "QAP (form chosen)")
    assert row[4] == "0.690"
    found = points[(points["vision"] == "dinov2-large") & (points["model"] == "qap")].iloc[0]
    assert row[5] == interval_cell(found["value"], found["low"], found["high"])
    assert agreement_table(agreement_points(rows, cka_table().iloc[:0])).rows == []


def test_shuffled_pairs_stand_beside_true_ones() -> None:
    table = shuffle_table(cka_table())
    assert table.header == [
        "data set",
        "vision encoder",
        "text encoder",
        "CKA",
        "n",
        "true",
        "half-shuffled",
        "shuffled",
    ]
    assert table.rows[0] == ["coco", "resnet-50", "roberta", "CKA (RBF kernel)", "5,000", "0.450", "0.180", "0.013"]
    assert len(table.rows) == 5 * 3
    means = shuffle_means(cka_table())
    assert list(means.index) == ["true", "half-shuffled", "shuffled"]
    assert means["true"] == pytest.approx((0.45 + 0.52 + 0.69 + 0.66 + 0.30) / 5)
    half = cka_table().query("order != 'half-shuffled'")
    assert shuffle_table(half).rows[0][-2] == "–"
