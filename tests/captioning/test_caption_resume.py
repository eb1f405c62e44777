"""Killed trainings: inside whichever stage, the resumed run ends with the bytes of an uninterrupted one."""

import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from coloured_captions import SECOND, coloured_captions, two_stages
from tiny_vlm import tiny_vlm

from ligature.captioning import CaptionData, CaptionStage, VisionLanguageModel, train_captioning
from ligature.captioning.training import STAGES
from ligature.training import Runtime

CHILD = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1].split(":")
from test_caption_resume import coloured_captions, tiny_vlm, train, validate

def slow(model):
    time.sleep(0.3)
    return validate(model)

train(tiny_vlm(Path(sys.argv[4])), coloured_captions(Path(sys.argv[2])), Path(sys.argv[3]), validate=slow)
"""


def validate(model: VisionLanguageModel) -> dict[str, float]:
    return {"weight": float(sum(weight.sum() for weight in model.connector.parameters()))}


def train(model, data: CaptionData, folder: Path, stages=None, *, validate=validate, **changes):
    return train_captioning(model, stages or two_stages(data), folder, validate=validate, **changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Interruption(Exception):
    pass


def interrupted(model, data, folder: Path, epoch: int, stages=None, **changes) -> None:
    """Stops at the end of an epoch, counted over all stages: the first has three, the second two."""
    calls = iter(range(1, 100))

    def stop(model: VisionLanguageModel) -> dict[str, float]:
        if next(calls) == epoch:
            raise Interruption
        return validate(model)

    with pytest.raises(Interruption):
        train(model, data, folder, stages, validate=stop, **changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> CaptionData:
    return coloured_captions(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, data, parts) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(tiny_vlm(parts), data, folder)
    return contents(folder)


@pytest.mark.parametrize(("epoch", "stage", "step"), [(2, 1, 5), (3, 1, 8), (4, 2, 3), (5, 2, 7)])
def test_an_interrupted_training_goes_on_to_the_same_bytes(
    tmp_path, data, parts, uninterrupted, capsys, epoch, stage, step
):
    interrupted(tiny_vlm(parts), data, tmp_path, epoch)
    assert not (tmp_path / "model").exists()
    train(tiny_vlm(parts), data, tmp_path)
    assert f"{STAGES}/{stage}/checkpoint/state.pt: training goes on after step {step}\n" in capsys.readouterr().err
    assert contents(tmp_path) == uninterrupted


def test_an_interruption_inside_an_epoch_costs_nothing_but_time(tmp_path, data, parts, uninterrupted):
    rare = [
        dataclasses.replace(stage, settings=dataclasses.replace(stage.settings, checkpoint_every_steps=2))
        for stage in two_stages(data)
    ]
    for epoch in (3, 2):
        interrupted(tiny_vlm(parts), data, tmp_path, epoch, rare)
    train(tiny_vlm(parts), data, tmp_path, rare)
    assert contents(tmp_path) == uninterrupted


@pytest.mark.slow
@pytest.mark.ci
def test_a_process_killed_inside_the_second_stage_resumes_to_the_same_bytes(
    tmp_path, data, parts, uninterrupted, capsys
):
    run, here = tmp_path / "run", Path(__file__).parent
    paths = ":".join(str(here.parent / name) for name in ("captioning", "encoders", "training"))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, paths, str(Path(data.paths[0]).parent), str(run), str(tmp_path / "parts")],
        stderr=subprocess.DEVNULL,
    )
    state, deadline = run / STAGES / "2" / "checkpoint" / "state.pt", time.monotonic() + 120
    while not state.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert state.exists()
    assert not (run / "training.json").exists()
    train(tiny_vlm(parts), data, run)
    assert f"{STAGES}/2/checkpoint/state.pt: training goes on after step" in capsys.readouterr().err
    assert contents(run) == uninterrupted


@pytest.mark.parametrize(("epoch", "said"), [(2, "after step 6"), (3, "after stage 1"), (4, "after step 4")])
def test_sigterm_finishes_the_step_or_the_stage_saves_and_says_so(
    tmp_path, data, parts, uninterrupted, capsys, epoch, said
):
    calls = iter(range(1, 100))

    def terminated(model: VisionLanguageModel) -> dict[str, float]:
        if next(calls) == epoch:
            signal.raise_signal(signal.SIGTERM)
        return validate(model)

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped:
        train(tiny_vlm(parts), data, tmp_path, validate=terminated)
    assert stopped.value.code == 128 + signal.SIGTERM
    assert f"stopped by SIGTERM {said}; the same command goes on from there\n" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is handler
    train(tiny_vlm(parts), data, tmp_path)
    assert contents(tmp_path) == uninterrupted


def test_a_kill_between_result_files_is_mended(tmp_path, data, parts, uninterrupted, monkeypatch):
    def full(path: Path, values: dict) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ligature.captioning.training.write_sealed", full)
    with pytest.raises(OSError, match="No space"):
        train(tiny_vlm(parts), data, tmp_path)
    monkeypatch.undo()
    (tmp_path / "history.csv").write_bytes(b"half")
    (tmp_path / STAGES / ".state.99.partial").write_bytes(b"half")
    train(tiny_vlm(parts), data, tmp_path)
    assert contents(tmp_path) == uninterrupted


@pytest.mark.parametrize("change", ["settings", "model", "data", "precision", "chat"])
def test_another_training_starts_anew_and_says_why(tmp_path, data, parts, capsys, change):
    interrupted(tiny_vlm(parts), data, tmp_path, 2)
    stages, model, runtime = two_stages(data), {}, Runtime()
    if change == "settings":
        stages[0] = CaptionStage(data, dataclasses.replace(stages[0].settings, weight_decay=0.3))
    if change == "data":
        stages[0] = CaptionStage(dataclasses.replace(data, content_hash="other"), stages[0].settings)
    if change == "precision":
        runtime = Runtime(precision="bfloat16")
    model = {"model": {"seed": 1}, "chat": {"system": "describe"}}.get(change, {})
    interrupted(tiny_vlm(parts, **model), data, tmp_path, 1, stages, runtime=runtime)
    lines = [line for line in capsys.readouterr().err.splitlines() if "starts anew" in line]
    assert len(lines) == 1
    words = {"settings": "weight_decay was 0.02, is 0.3", "data": "data was coloured 0, is other"}
    assert words.get(change, "model was" if model else "precision was float32, is bfloat16") in lines[0]


def test_a_change_of_the_first_stage_starts_the_second_anew(tmp_path, data, parts, capsys):
    interrupted(tiny_vlm(parts), data, tmp_path, 5)
    stages = two_stages(data)
    stages[0] = CaptionStage(data, dataclasses.replace(stages[0].settings, weight_decay=0.3))
    train(tiny_vlm(parts), data, tmp_path, stages)
    said = capsys.readouterr().err
    assert f"{STAGES}/1/checkpoint/state.pt: the checkpoint is of another training (weight_decay" in said
    assert f"{STAGES}/2/checkpoint/state.pt: the checkpoint is of another training (model was" in said


def test_a_change_of_the_second_stage_keeps_the_first(tmp_path, data, parts, capsys):
    interrupted(tiny_vlm(parts), data, tmp_path, 5)
    stages = [two_stages(data)[0], CaptionStage(data, dataclasses.replace(SECOND, weight_decay=0.3))]
    train(tiny_vlm(parts), data, tmp_path, stages)
    assert f"{STAGES}/1/checkpoint/state.pt: training goes on after step 9\n" in capsys.readouterr().err
    fresh = tmp_path / "fresh"
    train(tiny_vlm(parts), data, fresh, stages)
    name = "model/connector.safetensors"
    assert contents(fresh)[name] == contents(tmp_path)[name]


def test_checkpoints_hold_trained_weights_only(tmp_path, data, parts):
    interrupted(tiny_vlm(parts), data, tmp_path, 4)
    saved = [
        torch.load(tmp_path / STAGES / stage / "checkpoint" / "state.pt", weights_only=True) for stage in ("1", "2")
    ]
    assert [state["step"] for state in saved] == [9, 3]
    kinds = [{name.split(".")[0] for name in state["model"]} for state in saved]
    assert kinds == [{"connector"}, {"connector", "language"}]
