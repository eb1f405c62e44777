"""Targets of reproduction, published figures outside of tables, and ours beside them."""

import csv
import math
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

from ligature.errors import DataError, ParamsError
from ligature.params import load_study
from ligature.reporting.reproduction import comparison, find_target, list_targets, quoted_figures, targets_table
from ligature.reporting.result_tables import published_figures, published_tables
from ligature.store import Layout

ROOT = Path(__file__).parents[2]
COLUMNS = ("task", "dataset", "split", "model", "protocol", "metric", "value", "n", "seed", "variant")


def result(**row: object) -> dict:
    usual = {"task": "retrieval", "dataset": "d", "split": "test", "model": "ours", "protocol": "p", "n": 9, "seed": 0}
    return usual | {"variant": ""} | row


def results(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_every_target_is_complete_and_named_once():
    names = [entry.target for entry in list_targets()]
    first = [*(f"table-{number}" for number in range(1, 8)), "figure-1", "figure-4", "figure-5"]
    assert names == [*first, "matching-table-6", "matching-figure"]
    known = set(published_tables()) | set(quoted_figures()["table"])
    for entry in list_targets():
        assert entry.title
        assert entry.files
        assert entry.cost_here
        assert entry.cost_published
        assert set(entry.published) <= known
        assert [f"T{entry.target[-1]}" in entry.published] == [entry.target.startswith("table")]
    assert len(targets_table().rows) == len(names)


def test_an_unknown_target_names_those_there_are():
    with pytest.raises(ParamsError, match=r"'table-9'; known: table-1, .*figure-5"):
        find_target("table-9")


def test_files_of_targets_are_those_of_the_layout():
    layout = Layout(load_study(ROOT / "tests/studies/tiny.yaml"))
    folders = {
        "sweep": layout.sweep,
        "ablation": layout.ablation,
        "evaluation": layout.evaluation,
        "segmentation": layout.segmentation,
        "report": layout.report,
        "pairs": layout.pairs,
        "matching": layout.matching,
    }
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    for entry in list_targets():
        for file in entry.files:
            folder, name = file.split("/")
            assert layout.root / folder == folders[folder]
            assert f'layout.{folder} / "{name}"' in rules


def test_every_published_file_can_be_read_and_holds_no_figure_twice():
    folders = [files("ligature.reporting").joinpath(name) for name in ("published", "reproduction")]
    keys = []
    for path in (path for folder in folders for path in folder.iterdir() if path.name.endswith(".csv")):
        if path.name == "targets.csv":
            continue
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        for row in rows:
            assert None not in row, f"{path.name}: too many cells"
            assert row["source"].strip()
            assert row["value"] == "" or math.isfinite(float(row["value"]))
            assert row["value"] or row["note"], "a figure without a value says what was published"
            keys.append((row["table"], row["row"], row["dataset"], row["metric"]))
    assert len(keys) == len(set(keys))


def published(figures: pd.DataFrame, **where: str) -> float:
    for column, value in where.items():
        figures = figures[figures[column] == value]
    assert len(figures) == 1
    return figures["value"].iloc[0]


@pytest.mark.parametrize(
    ("table", "row", "dataset", "metric", "value"),
    [
        ("T1", "identity / token / token / mlp", "ImageNet", "top1", 75.53),
        ("T2", "CC3M+CC12M+SBU", "Flickr30k", "i2t_recall@1", 85.30),
        ("T3", "LiT-L16L", "Cars", "top1", 24.3),
        ("T3", "DINOv2-ARL", "CUB-200", "top1", 66.1),
        ("T4", "DINOv2-MpNet", "COCO", "t2i_recall@1", 42.6),
        ("T5", "SPARC", "Pascal Context", "iou", 21.65),
        ("T6", "DINOv2-MpNet", "Japanese", "classification", 43.2),
        ("T6", "ViT-L/14 LAION-400M", "Russian", "retrieval", 1.7),
        ("T7", "LAION-CLIP-L", "training", "GPU hours", 25_400),
    ],
)
def test_figures_of_tables_are_as_printed(table, row, dataset, metric, value):
    assert published(published_figures(), table=table, row=row, dataset=dataset, metric=metric) == value


def test_figures_of_the_text_are_as_quoted():
    figures = quoted_figures()
    assert published(figures, table="CKA in the text", row="DINOv2-Large x all-roberta-large-v1") == 0.69
    assert published(figures, table="CKA in the text", row="DINOv2-base x all-roberta-large-v1") == 0.695
    tokens = figures[(figures["table"] == "Fig. 5") & (figures["row"] == "DINOv2-ARL")]
    assert sorted(tokens["value"]) == [200, 300]
    assert math.isnan(published(figures, table="Fig. 1"))
    assert published(figures, row="SAIL") == 73.4
    assert published(figures, row="dino.txt", dataset="ImageNet") == 81.6
    assert published(figures, row="dino.txt", dataset="Pascal Context") == 36.7


def test_ratios_of_compute_follow_from_the_table_and_the_headline_does_not():
    figures, hours = quoted_figures(), published_figures()
    ours = published(hours, table="T7", row="DINOv2-ARL", metric="GPU hours")
    ratios = []
    for model in ("OpenAI-CLIP-L", "LAION-CLIP-L"):
        ratio = published(hours, table="T7", row=model, metric="GPU hours") / ours
        quoted = published(
            figures, table="Compute in the text", row=f"{model} / DINOv2-ARL", metric="ratio of GPU hours"
        )
        assert quoted == pytest.approx(ratio, abs=0.05)
        ratios.append(round(ratio))
    assert published(figures, table="Compute in the text", row="headline") not in ratios


def test_seeds_become_mean_and_deviation():
    rows = results(
        *(
            result(task="classification", metric="top1", model="mlp-id-id-id", seed=seed, value=value)
            for seed, value in enumerate((0.5, 0.6, 0.7))
        )
    )
    shown = comparison(find_target("table-1"), rows, "here.csv")
    assert "| mlp-id-id-id | 60.0 ± 10.0 |" in shown
    assert "over 3 seeds" in shown
    assert "| token / token / token / mlp | 76.12 |" in shown


def test_languages_and_lengths_are_columns():
    rows = results(
        result(task="multilingual retrieval", metric="t2i_recall@1", variant="de", value=0.25),
        result(task="multilingual classification", metric="top1", variant="ja", value=0.5),
        result(task="long text retrieval", metric="t2i_recall@1", variant="all", value=0.75),
        result(task="retrieval", metric="t2i_recall@1", value=0.125),
    )
    six = comparison(find_target("table-6"), rows, "here.csv")
    assert "| model | d (de), t→i R@1 | d (ja), top-1 |" in six
    assert "| ours | 25.0 | 50.0 |" in six
    five = comparison(find_target("figure-5"), rows, "here.csv")
    assert "| ours | 75.0 |" in five
    assert "200-300 tokens" in five


def test_what_is_not_measured_is_said_and_the_published_figures_stand_there():
    shown = comparison(find_target("table-5"), results(result(metric="t2i_recall@1", value=0.5)), "here.csv")
    assert "Nothing: this study does not measure it." in shown
    assert "| DINOv2-ARL | 31.37 | 24.61 |" in shown
    assert "dino.txt" in shown
    assert shown.endswith("Compare which row is ahead, and not the values.")


def test_a_figure_shows_the_correlations_of_its_target():
    row = {"dataset": "val", "metric": "cka_debiased", "spearman": 0.6, "spearman_low": 0.25, "spearman_high": 0.75}
    table = pd.DataFrame(
        [
            row | {"target": "probe_mean_recall", "kendall": 0.4, "n": 18},
            row | {"target": "probe_loss", "spearman": -0.7, "kendall": -0.5, "n": 18},
        ]
    )
    four = comparison(find_target("figure-4"), table, "here.csv")
    assert "| val | CKA (debiased) | 0.600 | 0.250 to 0.750 | 0.400 | 18 |" in four
    assert "−0.700" not in four
    assert "−0.700" in comparison(find_target("figure-1"), table, "here.csv")


def test_the_account_of_compute_stands_beside_the_published_hours():
    table = pd.DataFrame([{"part": "train", "jobs": 1, "wall_hours": 0.5, "cpu_hours": 0.25}])
    shown = comparison(find_target("table-7"), table, "here.csv")
    assert "| train | 1 | 0.500 | 0.250 |" in shown
    assert "21,845" in shown
    assert "fits neither ratio" in shown


@pytest.mark.parametrize("table", [pd.DataFrame({"a": [1]}), results(result(value=1.0)).drop(columns="variant")])
def test_another_table_is_refused(table):
    with pytest.raises(DataError, match=r"here\.csv: holds no results"):
        comparison(find_target("table-4"), table, "here.csv")
