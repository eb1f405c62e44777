"""`ligature pretraining`: what every training left, in the files that the page reads."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from gauge_study import history, make_layout, save_untrained, study_values, write_data

from ligature.cli.pretraining.collect import headline_metrics, pretraining, trajectory
from ligature.cli.pretraining.gauge import gauge
from ligature.cli.series import read_results
from ligature.errors import DamagedError, DataError, ParamsError
from ligature.evaluation import RESULT_COLUMNS

RUNS, SEEDS = ("clip", "align"), (3, 5)
FILES = ("results.csv", "runs.csv", "trajectories.csv", "similarities.csv", "features_2d.csv", "metrics.json")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A study whose pairs are measured, and nothing put together."""
    folder = tmp_path_factory.mktemp("measured")
    write_data(folder)
    values = study_values(folder)
    values["pretraining"] |= {"classification": [], "probe": None}
    layout, where = make_layout(folder, values)
    for run in RUNS:
        for seed in SEEDS:
            save_untrained(layout, run, seed)
            gauge(run, seed, **where)
    return folder, layout, where


@pytest.fixture
def study(measured, tmp_path):
    """Returns layout and options of a copy of the measured study."""
    _, layout, where = measured
    shutil.copytree(layout.results, tmp_path / "results")
    return type(layout)(layout.study, tmp_path / "results"), where | {"results": tmp_path / "results"}


def table(layout, name):
    return pd.read_csv(layout.pretraining / name)


def test_every_training_stands_in_every_table(study):
    layout, where = study
    pretraining(**where)
    every = {(run, seed) for run in RUNS for seed in SEEDS}
    for name in ("trajectories.csv", "similarities.csv"):
        assert set(table(layout, name)[["run", "seed"]].itertuples(index=False, name=None)) == every
    results = read_results(layout.pretraining / "results.csv")
    own = results[results["model"] != "chance"]
    assert set(own[["model", "seed"]].itertuples(index=False, name=None)) == every
    assert tuple(results.columns) == RESULT_COLUMNS


def test_chance_stands_once_a_seed(study):
    layout, where = study
    pretraining(**where)
    results = read_results(layout.pretraining / "results.csv")
    chance = results[results["model"] == "chance"]
    assert set(chance.groupby(["seed", "task", "dataset", "metric"]).size()) == {1}
    assert set(chance["seed"]) == set(SEEDS)


def test_values_are_those_that_were_measured_to_the_last_digit(study):
    layout, where = study
    pretraining(**where)
    for name in ("results.csv", "similarities.csv"):
        together = (layout.pretraining / name).read_text()
        for run in RUNS:
            for seed in SEEDS:
                prefix = "" if name == "results.csv" else f"{run},{seed},"
                lines = (layout.pretrained(run, seed) / name).read_text().splitlines()[1:]
                assert all(f"{prefix}{line}\n" in together for line in lines)


def test_settings_and_costs_of_every_run_are_told(study):
    layout, where = study
    pretraining(**where)
    runs = pd.read_csv(layout.pretraining / "runs.csv", keep_default_na=False).to_dict("records")
    settings = [tuple(str(value) for value in list(row.values())[:8]) for row in runs]
    assert settings == [
        ("clip", "none", "none", "", "", "1.0", "", "clamped"),
        ("align", "all", "image", "none", "published", "1.0", "0.5", "100.0"),
    ]
    assert list(runs[0]) == [
        *("run", "sharing", "separation", "rescaling", "objective", "alpha", "beta", "logit_scale"),
        *("parameters", "steps", "flops"),
    ]
    assert runs[0]["parameters"] > runs[1]["parameters"]
    assert [(row["steps"], row["flops"]) for row in runs] == [(6, 10**9 + 3)] * 2


def test_trajectories_are_told_by_metric(study):
    layout, where = study
    pretraining(**where)
    rows = table(layout, "trajectories.csv")
    assert list(rows.columns) == ["run", "seed", "epoch", "step", "metric", "value"]
    own = rows[(rows["run"] == "align") & (rows["seed"] == 5)]
    by_metric = {metric: dict(zip(part["epoch"], part["value"], strict=True)) for metric, part in own.groupby("metric")}
    assert by_metric == {
        "alignment_score": {2: pytest.approx(0.405), 3: pytest.approx(0.605)},
        "mean_recall": {2: pytest.approx(0.2), 3: pytest.approx(0.3)},
        "train_loss": {1: pytest.approx(3.6), 2: pytest.approx(3.0), 3: pytest.approx(2.4)},
        "logit_scale": {1: pytest.approx(1 / 0.06), 2: pytest.approx(20), 3: pytest.approx(25)},
    }
    assert set(own[["epoch", "step"]].itertuples(index=False, name=None)) == {(1, 2), (2, 4), (3, 6)}


def test_a_trajectory_agrees_with_a_loop_over_epochs():
    text = history(7).astype(str).replace("nan", "")
    found = {(row.epoch, row.metric): (row.step, row.value) for row in trajectory(text).itertuples()}
    expected = {}
    for epoch in (1, 2, 3):
        steps = [row for _, row in history(7).iterrows() if row["epoch"] == epoch]
        last = steps[-1]
        values = {"train_loss": np.mean([row["train_loss"] for row in steps]), "logit_scale": 1 / last["temperature"]}
        if epoch > 1:
            values |= {name: last[f"validation_{name}"] for name in ("alignment_score", "mean_recall")}
        expected |= {(epoch, name): (last["step"], pytest.approx(value)) for name, value in values.items()}
    assert found == expected


def test_only_the_first_seed_is_drawn(study):
    layout, where = study
    pretraining(**where)
    plane = table(layout, "features_2d.csv")
    assert list(plane.columns) == ["run", "seed", "modality", "pair", "x", "y"]
    assert plane.groupby(["run", "seed", "modality"]).size().to_dict() == {
        (run, 3, modality): 7 for run in RUNS for modality in ("image", "text")
    }


def test_similarities_add_up_to_all_pairs(study):
    layout, where = study
    pretraining(**where)
    rows = table(layout, "similarities.csv")
    assert list(rows.columns) == ["run", "seed", "kind", "low", "high", "count"]
    counts = rows.groupby(["run", "seed", "kind"])["count"].sum()
    assert set(counts.xs("paired", level="kind")) == {11}
    assert set(counts.xs("unpaired", level="kind")) == {110}


def test_the_page_reads_what_is_put_together(study):
    from ligature.reporting.pretraining.sources import PretrainingSources, read_pretraining

    layout, where = study
    pretraining(**where)
    inputs = read_pretraining(PretrainingSources.in_folder(layout.root))
    assert set(inputs.runs["run"]) == set(RUNS)
    assert len(inputs.trajectories) == len(table(layout, "trajectories.csv"))


def test_metrics_are_means_over_seeds(study):
    layout, where = study
    pretraining(**where)
    metrics = json.loads((layout.pretraining / "metrics.json").read_text())
    results = read_results(layout.pretraining / "results.csv")
    for run in RUNS:
        for metric in ("alignment_score", "paired_margin", "i2t_recall@1"):
            values = results[(results["model"] == run) & (results["metric"] == metric)]["value"]
            assert metrics[f"{run}/photos/{metric}"] == pytest.approx(values.mean())
    assert len(metrics) == 2 * 5


def test_a_probe_and_a_zero_shot_accuracy_have_names_of_their_own():
    rows = [("classification", "top1", "0.2"), ("linear probe", "top1", "0.5"), ("linear probe", "penalty", "10")]
    table = pd.DataFrame(rows, columns=["task", "metric", "value"]).assign(model="a", dataset="d")
    assert headline_metrics(table) == {"a/d/top1": 0.2, "a/d/linear-probe/top1": 0.5}
    assert headline_metrics(table.assign(model="chance")) == {}


def test_the_same_trainings_give_the_same_bytes(study):
    layout, where = study
    pretraining(**where)
    before = [(layout.pretraining / name).read_bytes() for name in FILES]
    pretraining(**where)
    assert [(layout.pretraining / name).read_bytes() for name in FILES] == before


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("training.json", "pretrain align --seed 3"),
        ("history.csv", "pretrain align --seed 3"),
        ("results.csv", "gauge align --seed 3"),
        ("similarities.csv", "gauge align --seed 3"),
        ("features_2d.csv", "gauge align --seed 3"),
    ],
)
def test_what_is_missing_is_named_with_what_makes_it(study, name, verb):
    layout, where = study
    (layout.pretrained("align", 3) / name).unlink()
    with pytest.raises(DataError, match=f"align/seed-3/{name}: missing; run `ligature {verb}` first") as error:
        pretraining(**where)
    assert "\n" not in str(error.value)


def test_a_changed_card_is_noticed(study):
    layout, where = study
    card = layout.pretrained("clip", 3) / "training.json"
    card.write_text(card.read_text().replace('"steps": 6', '"steps": 7'))
    with pytest.raises(DamagedError, match=r"training\.json: damaged"):
        pretraining(**where)


def test_a_study_without_pre_training_is_refused(measured, tmp_path):
    folder, _, _ = measured
    _, where = make_layout(tmp_path, study_values(folder) | {"pretraining": None})
    with pytest.raises(ParamsError, match="study 'gauged' has no pretraining block"):
        pretraining(**where)
