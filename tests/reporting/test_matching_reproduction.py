"""Published figures on matching as data, and ours beside them."""

import io

import pandas as pd
import pytest
from matching_inputs import EXPERIMENTS, cka_table, matching_tables

from ligature.reporting.matching.cka import agreement_points, agreement_table
from ligature.reporting.matching.rows import share_rows
from ligature.reporting.reproduction import comparison, find_target, quoted_figures
from ligature.reporting.reproduction.quoted import quoted_matrix


def as_read(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a table as the command line reads it: an empty text is missing, but for the variant."""
    text = io.StringIO(table.to_csv(index=False))
    return pd.read_csv(text, dtype={"variant": str}).fillna({"variant": ""})


@pytest.fixture(scope="module")
def results() -> pd.DataFrame:
    return matching_tables({name: EXPERIMENTS[name] for name in ("settings", "encoders", "languages")})[0]


@pytest.mark.parametrize(
    ("table", "row", "metric", "value"),
    [
        ("Matching T6", "QAP", "none", 48.8),
        ("Matching T6", "QAP", "stretch", 57.3),
        ("Matching T6", "QAP", "clusters", 56.2),
        ("Matching T6", "QAP", "clusters + stretch", 65.5),
        ("Matching T6", "local CKA", "none", 48.5),
        ("Matching T6", "local CKA", "stretch", 56.7),
        ("Matching T6", "local CKA", "clusters", 55.1),
        ("Matching T6", "local CKA", "clusters + stretch", 63.3),
        ("Matching T1", "vision and language encoder", "true pairs", 0.72),
        ("Matching T1", "vision and language encoder", "shuffled pairs", 0.01),
        ("Matching figure", "ImageNet-1k supervised", "kernel CKA from", 0.52),
        ("Matching figure", "LVD-142M (DINOv2)", "QAP accuracy to", 65),
    ],
)
def test_figures_are_as_quoted(table: str, row: str, metric: str, value: float) -> None:
    figures = quoted_figures()
    found = figures[(figures["table"] == table) & (figures["row"] == row) & (figures["metric"] == metric)]
    assert found["value"].tolist() == [value]
    assert "arXiv 2401.05224" in found["source"].item()


def test_a_matrix_has_a_row_of_each_and_names_its_source() -> None:
    table = quoted_matrix("Matching T6", "A title")
    assert table.header == ["of", "none", "stretch", "clusters", "clusters + stretch"]
    assert table.rows == [["QAP", "48.8", "57.3", "56.2", "65.5"], ["local CKA", "48.5", "56.7", "55.1", "63.3"]]
    assert table.caption == (
        "A title. Published, not measured here: arXiv 2401.05224, as quoted on public pages "
        "(captions averaged; 320 anchors, 500 queries; encoders not stated)."
    )
    assert table.muted == {0, 1}


def test_settings_stand_beside_the_published_ones(results: pd.DataFrame) -> None:
    shown = comparison(find_target("matching-table-6"), as_read(results), "here.csv")
    assert "| method | none | stretch (both pools) | image clusters | image clusters + stretch (both pools) |" in shown
    assert "| chance | 0.2 | 0.2 | 0.2 | 0.2 |" in shown
    assert "65.5" in shown
    assert shown.index("local CKA (RBF)") < shown.index("Matching T6. Published")


def test_one_setting_alone_is_said_to_be_nothing(results: pd.DataFrame) -> None:
    shown = comparison(
        find_target("matching-table-6"), as_read(results[results["experiment"] == "encoders"]), "here.csv"
    )
    assert "Nothing: this study does not measure it." in shown
    assert "65.5" in shown


def test_the_table_of_the_page_stands_beside_the_published_figure(results: pd.DataFrame) -> None:
    points = agreement_points(share_rows(results.astype({"n": float})), cka_table())
    shown = comparison(find_target("matching-figure"), as_read(agreement_table(points).data), "here.csv")
    assert "| encoders | dinov2-large | roberta | QAP (form chosen) | 0.690 | " in shown
    assert "| ImageNet-1k supervised | not known | kernel CKA from |" in shown
    nothing = agreement_table(points.iloc[:0]).data
    assert "Nothing: this study" in comparison(find_target("matching-figure"), as_read(nothing), "here.csv")


def test_both_targets_need_the_block() -> None:
    targets = [find_target(name) for name in ("matching-table-6", "matching-figure")]
    assert {target.needs for target in targets} == {"matching"}
    assert targets[1].files == ("report/index.html",)
