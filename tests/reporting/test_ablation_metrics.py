"""What DVC compares between experiments: few numbers, with names, and files that every study has."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from evaluation_inputs import sweep_results
from reporting_inputs import STORES

from ligature.reporting import ReportSources
from ligature.reporting.experiments import headline_metrics, run_bars, validation_curves, write_comparisons
from ligature.reporting.sources import ReportInputs, read_sources

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def inputs(results_folder: Path) -> ReportInputs:
    return read_sources(ReportSources.in_folder(results_folder, STORES))


def without_runs(inputs: ReportInputs) -> ReportInputs:
    empty = inputs.sweep.iloc[:0]
    curation = replace(inputs.curation, ablation=inputs.curation.ablation.iloc[:0])
    return replace(inputs, sweep=empty, curation=curation, segmentation=inputs.segmentation.iloc[:0])


def test_metrics_are_the_headlines_of_the_chosen_pair(inputs: ReportInputs) -> None:
    metrics = headline_metrics(inputs)
    assert metrics["labels/top1"] == 0.6
    assert metrics["val/i2t_recall@1"] == 0.25
    assert metrics["val/t2i_recall@1"] == 0.02
    assert metrics["val/relative_modality_gap"] == 0.3
    assert metrics["pair/cka_debiased"] == pytest.approx(0.55)
    assert (metrics["masks/iou"], metrics["masks/miou"]) == (0.5, 0.4)
    assert len(metrics) == 7, "few enough for the columns of `dvc exp show`"


def test_the_ablation_has_two_means_a_mix(curated_results: Path) -> None:
    inputs = read_sources(ReportSources.in_folder(curated_results, STORES))
    metrics = headline_metrics(inputs)
    rows = inputs.curation.ablation
    mix = next(name for name in rows["model"].unique() if name != "chance")
    top1 = rows[(rows["model"] == mix) & (rows["metric"] == "top1")].groupby("dataset")["value"].mean().mean()
    assert metrics[f"ablation/{mix}/top1"] == pytest.approx(top1)
    assert f"ablation/{mix}/recall@1" in metrics
    assert not any("chance" in name for name in metrics)
    assert mix in set(run_bars(inputs)["run"])


def test_bars_are_the_runs_by_their_first_measure(inputs: ReportInputs) -> None:
    name = "learning_rate~0.1/projector.dropout~0.3"
    bars = run_bars(replace(without_runs(inputs), sweep=sweep_results({"plain": 0.2, name: 0.4})))
    assert bars["run"].to_list() == ["plain", "learning_rate 0.1, dropout 0.3"]
    assert bars["percent"].to_list() == pytest.approx([20, 40])
    assert set(bars["measure"]) == {"labels, top-1"}


def test_validation_is_drawn_at_the_steps_where_it_was_measured(inputs: ReportInputs) -> None:
    curves = validation_curves(inputs.history)
    assert list(curves) == ["step", "image→text R@1", "text→image R@1"]
    assert curves["step"].to_list() == [10, 20, 30, 40]
    assert curves["image→text R@1"].to_list() == [0.1, 0.3, 0.5, 0.4]


def test_every_file_and_column_that_dvc_draws_is_written_even_without_runs(
    inputs: ReportInputs, tmp_path: Path
) -> None:
    write_comparisons(without_runs(inputs), tmp_path / "report")
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    for path in pipeline["metrics"]:
        assert json.loads((tmp_path / path.removeprefix("results/${study}/")).read_text())["labels/top1"] == 0.6
    inputs.history.to_csv(_folder(tmp_path / "train") / "history.csv", index=False)
    for plot in (next(iter(plot.values())) for plot in pipeline["plots"]):
        for path, columns in plot["y"].items():
            table = pd.read_csv(tmp_path / path.removeprefix("results/${study}/"))
            assert {*columns, plot["x"]} <= set(table)
            assert len(table)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
