"""Killed trainings: whatever the moment, the resumed run ends with the bytes of an uninterrupted one."""

import dataclasses
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from synthetic_pairs import CONFIG, planted_pairs, recall_at_1

from ligature.data.mixture import Mixture
from ligature.errors import TrainingError
from ligature.projection import ImageFeatures, PairedFeatures, TrainSettings, train
from ligature.training.checkpoint import Checkpoint
from ligature.training.distributed import Processes
from ligature.training.journal import Journal
from ligature.training.runtime import Runtime
from ligature.training.stopping import StopRequest

SETTINGS = TrainSettings(epochs=8, batch_size=16, warmup_steps=3, learning_rate=3e-3, checkpoint_every_steps=1)
RESULTS = ("projector.safetensors", "projector.json", "history.csv")

CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from test_training_resume import SETTINGS, train_planted, validate

def slow(model):
    time.sleep(0.2)
    return validate(model)

train_planted(sys.argv[2], validate=slow)
"""


def validate(model) -> dict[str, float]:
    return {"recall_at_1": recall_at_1(model, planted_pairs(20, draw=1))}


def train_planted(folder: Path | str, settings: TrainSettings = SETTINGS, validate=validate, **changes):
    config, data = changes.pop("config", CONFIG), changes.pop("data", None) or planted_pairs(80)
    return train(config, data, settings, folder, validate=validate, **changes)


def mixed_pairs(weights: str | list[float]) -> PairedFeatures:
    data = planted_pairs(80)
    return PairedFeatures(data.images, data.texts, data.image_of_text, None, Mixture.of([20, 60], weights))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Interruption(Exception):
    pass


def interrupted(folder: Path, epoch: int, settings: TrainSettings = SETTINGS, **changes) -> None:
    calls = iter(range(1, 100))

    def stop(model) -> dict[str, float]:
        if next(calls) == epoch:
            raise Interruption
        return validate(model)

    with pytest.raises(Interruption):
        train_planted(folder, settings, stop, **changes)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    train_planted(folder)
    return contents(folder)


def test_killed_process_resumes_to_the_same_bytes(tmp_path, uninterrupted, capsys):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(tmp_path)], stderr=subprocess.DEVNULL
    )
    state, deadline = tmp_path / "checkpoint" / "state.pt", time.monotonic() + 60
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (tmp_path / "projector.json").exists()
    train_planted(tmp_path)
    assert "training goes on after step" in capsys.readouterr().err
    assert contents(tmp_path) == uninterrupted


def test_sigterm_finishes_the_step_saves_and_says_so_with_a_status(tmp_path, uninterrupted, capsys):
    rare = dataclasses.replace(SETTINGS, checkpoint_every_steps=None)
    calls = iter(range(1, 100))

    def terminated(model) -> dict[str, float]:
        if next(calls) == 4:
            signal.raise_signal(signal.SIGTERM)
        return validate(model)

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped:
        train_planted(tmp_path, rare, terminated)
    assert stopped.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is handler
    assert "stopped by SIGTERM after step 20; the same command goes on from there\n" in capsys.readouterr().err
    train_planted(tmp_path)
    assert "training goes on after step 20\n" in capsys.readouterr().err
    assert contents(tmp_path) == uninterrupted


def test_sigterm_in_the_last_step_or_without_a_run_folder_leaves_no_checkpoint(tmp_path, capsys):
    short = dataclasses.replace(SETTINGS, epochs=1)

    def terminated(model) -> dict[str, float]:
        signal.raise_signal(signal.SIGTERM)
        return {}

    train_planted(tmp_path, short, terminated)
    assert (tmp_path / "projector.json").is_file()
    assert not (tmp_path / "checkpoint").exists()
    with pytest.raises(SystemExit):
        train(CONFIG, planted_pairs(80), SETTINGS, validate=terminated)
    assert "stopped by SIGTERM after step 5; nothing is saved" in capsys.readouterr().err


def test_signals_are_left_alone_outside_the_main_thread():
    requests = []

    def listen() -> None:
        with StopRequest() as stop:
            requests.append(stop)

    handler = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert [stop.requested for stop in requests] == [False]
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize(("seconds", "saved"), [(0.0, [1, 2, 3, 4, 5]), (25.0, [3]), (1e9, [])])
def test_checkpoints_are_written_by_the_clock(tmp_path, monkeypatch, seconds, saved):
    chosen = dataclasses.replace(SETTINGS, checkpoint_every_seconds=seconds, checkpoint_every_steps=None)
    state, written = SimpleNamespace(step=0), []
    monkeypatch.setattr(Checkpoint, "save", lambda self, state: written.append(state.step))
    clock = SimpleNamespace(monotonic=lambda: 10.0 * state.step)
    monkeypatch.setattr("ligature.training.journal.time", clock)
    alone = Processes(torch.device("cpu"))
    with Journal(state, Checkpoint(tmp_path, {}), chosen, Runtime(), alone).begin("train", 5) as journal:
        for state.step in range(1, 6):
            journal.note({"step": state.step, "train_loss": 1.0}, 16, 0.0)
    assert written == saved


def test_a_loss_that_is_not_finite_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    rows = planted_pairs(80).sample_epoch(SETTINGS.seed, 1)[0][:16]

    class Spoiled(ImageFeatures):
        def select(self, branches) -> "Spoiled":
            return self

        def collate(self, wanted: np.ndarray, device: torch.device) -> dict:
            found = super().collate(wanted, device)
            if np.array_equal(wanted, rows):
                found["cls"][0, 0] = torch.inf
            return found

    data = planted_pairs(80)
    spoiled = PairedFeatures(Spoiled(data.images.cls, data.images.local), data.texts, data.image_of_text)
    with pytest.raises(TrainingError, match=r"nan at step 6 with learning rate .* features of this batch"):
        train_planted(tmp_path, data=spoiled)
    state = torch.load(tmp_path / "checkpoint" / "state.pt", weights_only=True)
    assert state["step"] == 5
    assert all(tensor.isfinite().all() for tensor in state["model"].values())


def test_precision_belongs_to_a_training_and_micro_batches_do_not(tmp_path, capsys):
    interrupted(tmp_path, 3)
    train_planted(tmp_path, dataclasses.replace(SETTINGS, max_steps=11), runtime=Runtime(precision="bfloat16"))
    line = capsys.readouterr().err
    assert "precision was float32, is bfloat16" in line
    interrupted(tmp_path, 3)
    train_planted(tmp_path, runtime=Runtime(micro_batch=5))
    assert "training goes on after step" in capsys.readouterr().err


def test_interruption_in_an_epoch_between_checkpoints_costs_nothing_but_time(tmp_path, capsys):
    rare = dataclasses.replace(SETTINGS, epochs=6, checkpoint_every_steps=7)
    train_planted(tmp_path / "whole", rare)
    interrupted(tmp_path / "cut", 2, rare)
    interrupted(tmp_path / "cut", 3, rare)
    train_planted(tmp_path / "cut", rare)
    lines = capsys.readouterr().err
    assert "goes on after step 7\n" in lines
    assert "goes on after step 14\n" in lines
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_kill_between_result_files_is_mended(tmp_path, uninterrupted):
    interrupted(tmp_path, 8)
    (tmp_path / "projector.safetensors").write_bytes(b"half")
    (tmp_path / ".projector.json.99.partial").write_bytes(b"half")
    (tmp_path / "checkpoint" / ".state.pt.99.partial").write_bytes(b"half")
    train_planted(tmp_path)
    assert contents(tmp_path) == uninterrupted


def test_checkpoint_cadence_changes_neither_weights_nor_fingerprint(tmp_path, uninterrupted, capsys):
    interrupted(tmp_path, 5)
    train_planted(tmp_path, dataclasses.replace(SETTINGS, checkpoint_every_steps=1000, require_progress=False))
    assert "training goes on after step 24" in capsys.readouterr().err
    for name in ("projector.safetensors", "history.csv"):
        assert (tmp_path / name).read_bytes() == uninterrupted[name]


@pytest.mark.parametrize("change", ["settings", "config", "data", "mixture"])
def test_another_training_starts_anew_and_says_why(tmp_path, capsys, change):
    interrupted(tmp_path / "used", 3)
    changed, words = {
        "settings": (
            {"settings": dataclasses.replace(SETTINGS, learning_rate=1e-3)},
            "learning_rate was 0.003, is 0.001",
        ),
        "config": ({"config": dataclasses.replace(CONFIG, text_global="linear")}, "text_global was mlp, is linear"),
        "data": ({"data": planted_pairs(80, draw=2)}, "data was"),
        "mixture": ({"data": mixed_pairs("equal")}, "data was"),
    }[change]
    train_planted(tmp_path / "used", **changed)
    lines = [line for line in capsys.readouterr().err.splitlines() if "starts anew" in line]
    assert len(lines) == 1
    assert words in lines[0]
    train_planted(tmp_path / "fresh", **changed)
    assert contents(tmp_path / "used") == contents(tmp_path / "fresh")


def test_training_on_a_mixture_resumes_to_the_same_bytes_and_proportional_weights_train_as_none(
    tmp_path, uninterrupted
):
    train_planted(tmp_path / "whole", data=mixed_pairs("equal"))
    interrupted(tmp_path / "cut", 5, data=mixed_pairs("equal"))
    train_planted(tmp_path / "cut", data=mixed_pairs("equal"))
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert contents(tmp_path / "whole")["projector.safetensors"] != uninterrupted["projector.safetensors"]
    train_planted(tmp_path / "proportional", data=mixed_pairs("proportional"))
    for name in ("projector.safetensors", "history.csv"):
        assert contents(tmp_path / "proportional")[name] == uninterrupted[name]


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_broken_checkpoint_starts_anew_and_says_so(tmp_path, uninterrupted, capsys, size):
    interrupted(tmp_path, 3)
    state = tmp_path / "checkpoint" / "state.pt"
    state.write_bytes(state.read_bytes()[:size])
    train_planted(tmp_path)
    assert "cannot be read; training starts anew" in capsys.readouterr().err
    assert contents(tmp_path) == uninterrupted
