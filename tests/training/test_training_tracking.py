"""Trackers: every step once, whatever the interruptions, and never a different result."""

import dataclasses
import math
import sys
import types
from pathlib import Path

import pandas as pd
import pytest
from synthetic_pairs import CONFIG, planted_pairs

from ligature.errors import ParamsError
from ligature.projection import TrainSettings, train
from ligature.training.runtime import Runtime
from ligature.training.tracking import Tracking

SETTINGS = TrainSettings(epochs=4, batch_size=16, warmup_steps=3, learning_rate=3e-3, checkpoint_every_steps=3)
SERIES = {"train_loss", "learning_rate", "temperature", "samples_per_second"}


def tensorboard_series(folder: Path) -> dict[str, list[int]]:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    series: dict[str, list[int]] = {}
    for path in sorted(folder.glob("events.*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                series.setdefault(value.tag, []).append(event.step)
    return series


def dvclive_series(folder: Path) -> dict[str, list[int]]:
    tables = (folder / "plots" / "metrics").rglob("*.tsv")
    return {path.stem: pd.read_csv(path, sep="\t")["step"].tolist() for path in tables}


READERS = {"tensorboard": tensorboard_series, "dvclive": dvclive_series}


def runtime(logs: Path, *trackers: str) -> Runtime:
    return Runtime(trackers=trackers, log_folder=logs)


@pytest.mark.parametrize("name", READERS)
def test_every_step_is_logged_once_over_interruptions_between_checkpoints(tmp_path, name):
    calls = iter(range(1, 100))

    def stopping(_) -> dict[str, float]:
        if next(calls) in (2, 4):
            raise KeyboardInterrupt
        return {"recall": 0.5}

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(CONFIG, planted_pairs(80), SETTINGS, tmp_path, validate=stopping, runtime=runtime(tmp_path, name))
    train(CONFIG, planted_pairs(80), SETTINGS, tmp_path, validate=stopping, runtime=runtime(tmp_path, name))
    series = READERS[name](tmp_path / name)
    assert series.keys() >= SERIES
    assert all(series[key] == list(range(1, 21)) for key in SERIES)
    assert series["validation_recall"] == [5, 10, 15, 20]


@pytest.mark.parametrize("name", READERS)
def test_a_training_that_starts_anew_starts_its_series_anew(tmp_path, name):
    for steps in (7, 4):
        chosen = dataclasses.replace(SETTINGS, max_steps=steps)
        train(CONFIG, planted_pairs(80), chosen, runtime=runtime(tmp_path, name))
        assert READERS[name](tmp_path / name)["train_loss"] == list(range(1, steps + 1))


def test_trackers_change_no_byte_and_dvclive_writes_no_dvc_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(CONFIG, planted_pairs(80), SETTINGS, tmp_path / "silent")
    tracked = runtime(tmp_path / "logs", "dvclive", "tensorboard")
    train(CONFIG, planted_pairs(80), SETTINGS, tmp_path / "tracked", runtime=tracked)
    for name in ("projector.safetensors", "projector.json", "history.csv"):
        assert (tmp_path / "tracked" / name).read_bytes() == (tmp_path / "silent" / name).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"silent", "tracked", "logs"}
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"dvclive", "tensorboard", "compute.json"}
    assert not [path for path in tmp_path.rglob("*") if path.name in ("dvc.yaml", ".dvc")]
    losses = pd.read_csv(tmp_path / "logs/dvclive/plots/metrics/train_loss.tsv", sep="\t")["train_loss"]
    assert losses.tolist() == pytest.approx(pd.read_csv(tmp_path / "silent/history.csv")["train_loss"].tolist())


def test_an_event_file_that_a_kill_cut_off_is_gone_on_from(tmp_path):
    first = Tracking(["tensorboard"], tmp_path, 0)
    for step in range(1, 6):
        first.log(step, {"train_loss": 1 / step})
    first.close()
    (events,) = (tmp_path / "tensorboard").iterdir()
    events.write_bytes(events.read_bytes()[:-3])
    second = Tracking(["tensorboard"], tmp_path, 2)
    for step in range(3, 8):
        second.log(step, {"train_loss": 1 / step})
    second.close()
    assert tensorboard_series(tmp_path / "tensorboard")["train_loss"] == list(range(1, 8))


class FakeRun:
    """As much of a run of wandb as is used; it lives on between openings, as on wandb's server."""

    def __init__(self) -> None:
        self.id, self.step, self.logged, self.finished = "run-7", 0, {}, 0

    def log(self, values: dict, step: int) -> None:
        assert step not in self.logged
        self.logged[step], self.step = values, step + 1

    def finish(self) -> None:
        self.finished += 1


def test_wandb_goes_on_with_its_run_and_is_imported_only_when_asked_for(tmp_path, monkeypatch):
    run, opened = FakeRun(), []
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ParamsError, match=r"tracker 'wandb' needs the package wandb: pip install wandb, or leave"):
        Tracking(["wandb"], tmp_path, 0)
    Tracking([], tmp_path, 0).close()
    fake = types.SimpleNamespace(init=lambda **options: opened.append(options) or run)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    for start, end in ((0, 5), (3, 8)):
        tracking = Tracking(["wandb"], tmp_path, start)
        for step in range(start + 1, end + 1):
            tracking.log(step, {"train_loss": 1.0})
        tracking.close()
    assert sorted(run.logged) == list(range(1, 9))
    assert run.finished == 2
    assert [options["id"] for options in opened] == [None, "run-7"]
    assert opened[0]["dir"] == str(tmp_path / "wandb")


def test_what_is_logged_are_the_values_of_the_history(tmp_path, monkeypatch):
    run = FakeRun()
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=lambda **_: run))
    result = train(CONFIG, planted_pairs(80), SETTINGS, runtime=runtime(tmp_path, "wandb"))
    for row in result.history.to_dict("records"):
        logged = run.logged[row.pop("step")]
        assert logged.pop("samples_per_second") > 0
        assert logged == {key: value for key, value in row.items() if not math.isnan(value)}
