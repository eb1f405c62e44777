"""Killed trainings: inside whichever stage, the resumed run ends with the bytes of an uninterrupted one."""

import dataclasses
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from coloured_captions import changed, coloured_captions, two_stages
from safetensors.torch import load_file
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


def often(data: CaptionData, steps: int = 1) -> list[CaptionStage]:
    """Returns the stages with a checkpoint every so many steps."""
    return [changed(stage, checkpoint_every_steps=steps) for stage in two_stages(data)]


def train(model, data: CaptionData, folder: Path, stages=None, *, validate=validate, **changes):
    return train_captioning(model, stages or often(data), folder, validate=validate, **changes)


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
    train(tiny_vlm(parts), data, folder, two_stages(data))
    return contents(folder)


@pytest.fixture(scope="module")
def begun(tmp_path_factory, data, parts) -> dict[int, Path]:
    """Folders of trainings that were interrupted inside the first stage and inside the second, by epoch."""
    folders = {epoch: tmp_path_factory.mktemp(f"epoch-{epoch}") for epoch in (2, 4)}
    for epoch, folder in folders.items():
        interrupted(tiny_vlm(parts), data, folder, epoch)
        assert not (folder / "model").exists()
    return folders


@pytest.mark.parametrize(("epoch", "stage", "step"), [(2, 1, 5), (4, 2, 3)])
def test_an_interrupted_training_goes_on_to_the_same_bytes(
    tmp_path, data, parts, uninterrupted, begun, capsys, epoch, stage, step
):
    run = Path(shutil.copytree(begun[epoch], tmp_path / "run"))
    train(tiny_vlm(parts), data, run)
    assert f"{STAGES}/{stage}/checkpoint/state.pt: training goes on after step {step}\n" in capsys.readouterr().err
    assert contents(run) == uninterrupted


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 3, 5])
def test_a_training_may_be_interrupted_at_the_end_of_any_epoch(tmp_path, data, parts, uninterrupted, epoch):
    """About 3 s."""
    interrupted(tiny_vlm(parts), data, tmp_path, epoch)
    train(tiny_vlm(parts), data, tmp_path)
    assert contents(tmp_path) == uninterrupted


def test_an_interruption_inside_an_epoch_costs_nothing_but_time(tmp_path, data, parts, uninterrupted):
    rare = often(data, 2)
    interrupted(tiny_vlm(parts), data, tmp_path, 3, rare)
    train(tiny_vlm(parts), data, tmp_path, rare)
    assert contents(tmp_path) == uninterrupted


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("epoch", "said"),
    [
        pytest.param(2, "after step 6", marks=pytest.mark.slow),
        (3, "after stage 1"),
        pytest.param(4, "after step 4", marks=pytest.mark.slow),
    ],
)
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


def test_a_kill_between_result_files_is_mended(tmp_path, data, parts, uninterrupted, begun, monkeypatch):
    def full(path: Path, values: dict) -> None:
        raise OSError(28, "No space left on device")

    run = Path(shutil.copytree(begun[4], tmp_path / "run"))
    monkeypatch.setattr("ligature.captioning.training.write_sealed", full)
    with pytest.raises(OSError, match="No space"):
        train(tiny_vlm(parts), data, run)
    monkeypatch.undo()
    (run / "history.csv").write_bytes(b"half")
    (run / STAGES / ".state.99.partial").write_bytes(b"half")
    train(tiny_vlm(parts), data, run)
    assert contents(run) == uninterrupted


@pytest.mark.parametrize("change", ["settings", "model", "data", "precision", "chat"])
def test_another_training_starts_anew_and_says_why(tmp_path, data, parts, begun, capsys, change):
    run = Path(shutil.copytree(begun[2], tmp_path / "run"))
    stages, runtime = often(data), Runtime()
    if change == "settings":
        stages[0] = changed(stages[0], weight_decay=0.3)
    if change == "data":
        stages[0] = CaptionStage(dataclasses.replace(data, content_hash="other"), stages[0].settings)
    if change == "precision":
        runtime = Runtime(precision="bfloat16")
    model = {"model": {"seed": 1}, "chat": {"system": "describe"}}.get(change, {})
    interrupted(tiny_vlm(parts, **model), data, run, 1, stages, runtime=runtime)
    lines = [line for line in capsys.readouterr().err.splitlines() if "starts anew" in line]
    assert len(lines) == 1
    words = {"settings": "weight_decay was 0.02, is 0.3", "data": "data was coloured 0, is other"}
    assert words.get(change, "model was" if model else "precision was float32, is bfloat16") in lines[0]


def test_a_change_of_the_first_stage_starts_the_second_anew(tmp_path, data, parts, begun, capsys):
    run = Path(shutil.copytree(begun[4], tmp_path / "run"))
    stages = often(data)
    stages[0] = changed(stages[0], weight_decay=0.3)
    interrupted(tiny_vlm(parts), data, run, 4, stages)
    said = capsys.readouterr().err
    assert f"{STAGES}/1/checkpoint/state.pt: the checkpoint is of another training (weight_decay" in said
    assert f"{STAGES}/2/checkpoint/state.pt: the checkpoint is of another training (model was" in said


def test_a_change_of_the_second_stage_keeps_the_first(tmp_path, data, parts, begun, capsys):
    run = Path(shutil.copytree(begun[4], tmp_path / "run"))
    first, second = often(data)
    stages = [first, changed(second, weight_decay=0.3)]
    train(tiny_vlm(parts), data, run, stages)
    assert f"{STAGES}/1/checkpoint/state.pt: training goes on after step 9\n" in capsys.readouterr().err
    fresh = train_captioning(tiny_vlm(parts), stages).model.connector.state_dict()
    saved = load_file(run / "model" / "connector.safetensors")
    assert all(torch.equal(saved[name], weight) for name, weight in fresh.items())


def test_checkpoints_hold_trained_weights_only(begun):
    saved = [
        torch.load(begun[4] / STAGES / stage / "checkpoint" / "state.pt", weights_only=True) for stage in ("1", "2")
    ]
    assert [state["step"] for state in saved] == [9, 3]
    kinds = [{name.split(".")[0] for name in state["model"]} for state in saved]
    assert kinds == [{"connector"}, {"connector", "language"}]
