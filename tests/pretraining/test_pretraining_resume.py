"""Killed pre-trainings: the resumed run ends with the bytes of an uninterrupted one, or says why it starts anew."""

import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from coloured_pairs import ALIGNED, SHARED, coloured_pairs, make_config, make_tokenizer

from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.pretraining import ImageTextPairs, pretrain
from ligature.training import Runtime

SETTINGS = dataclasses.replace(ALIGNED, epochs=6)

CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from test_pretraining_resume import coloured_pairs, Path, pretrain_shared, validate

def slow(model):
    time.sleep(0.3)
    return validate(model)

pretrain_shared(coloured_pairs(Path(sys.argv[2])), sys.argv[3], validate=slow)
"""


def validate(model: ContrastiveModel) -> dict[str, float]:
    return {"scale": 1 / model.temperature}


def pretrain_shared(pairs: ImageTextPairs, folder, settings=SETTINGS, *, validate=validate, config=None, **changes):
    tokenizer = make_tokenizer(pairs)
    config = make_config(tokenizer, **({"shared": SHARED} | (config or {})))
    return pretrain(config, pairs, tokenizer, settings, folder, validate=validate, **changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Interruption(Exception):
    pass


def interrupted(pairs: ImageTextPairs, folder: Path, epoch: int, settings=SETTINGS, **changes) -> None:
    calls = iter(range(1, 100))

    def stop(model: ContrastiveModel) -> dict[str, float]:
        if next(calls) == epoch:
            raise Interruption
        return validate(model)

    with pytest.raises(Interruption):
        pretrain_shared(pairs, folder, settings, validate=stop, **changes)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> ImageTextPairs:
    return coloured_pairs(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, pairs) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    pretrain_shared(pairs, folder)
    return contents(folder)


@pytest.mark.parametrize("epoch", [1, 4, 6])
def test_an_interrupted_training_goes_on_to_the_same_bytes(tmp_path, pairs, uninterrupted, capsys, epoch):
    interrupted(pairs, tmp_path, epoch)
    assert not (tmp_path / "model").exists()
    pretrain_shared(pairs, tmp_path)
    assert f"training goes on after step {4 * epoch - 1}\n" in capsys.readouterr().err
    assert contents(tmp_path) == uninterrupted


def test_an_interruption_inside_an_epoch_costs_nothing_but_time(tmp_path, pairs, uninterrupted):
    rare = dataclasses.replace(SETTINGS, checkpoint_every_steps=7)
    interrupted(pairs, tmp_path, 2, rare)
    interrupted(pairs, tmp_path, 3, rare)
    pretrain_shared(pairs, tmp_path, rare)
    assert contents(tmp_path) == uninterrupted


def test_micro_batches_may_change_on_the_way(tmp_path, pairs, capsys):
    interrupted(pairs, tmp_path, 3)
    result = pretrain_shared(pairs, tmp_path, runtime=Runtime(micro_batch=5, checkpoint_activations=True))
    assert "training goes on after step 11\n" in capsys.readouterr().err
    assert result.facts["steps"] == 24


@pytest.mark.slow
@pytest.mark.ci
def test_a_killed_process_resumes_to_the_same_bytes(tmp_path, pairs, uninterrupted, capsys):
    pictures, run = Path(pairs.paths[0]).parent, tmp_path / "run"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(tmp_path / pictures.name), str(run)],
        stderr=subprocess.DEVNULL,
    )
    state, deadline = run / "checkpoint" / "state.pt", time.monotonic() + 60
    while not state.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.5)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (run / "training.json").exists()
    pretrain_shared(pairs, run)
    assert "training goes on after step" in capsys.readouterr().err
    assert contents(run) == uninterrupted


def test_sigterm_finishes_the_step_saves_and_says_so(tmp_path, pairs, uninterrupted, capsys):
    def terminated(model: ContrastiveModel) -> dict[str, float]:
        signal.raise_signal(signal.SIGTERM)
        return validate(model)

    rare = dataclasses.replace(SETTINGS, checkpoint_every_steps=None)
    with pytest.raises(SystemExit) as stopped:
        pretrain_shared(pairs, tmp_path, rare, validate=terminated)
    assert stopped.value.code == 128 + signal.SIGTERM
    assert "stopped by SIGTERM after step 4; the same command goes on from there\n" in capsys.readouterr().err
    pretrain_shared(pairs, tmp_path)
    assert contents(tmp_path) == uninterrupted


def test_a_kill_between_result_files_is_mended(tmp_path, pairs, uninterrupted):
    interrupted(pairs, tmp_path, 6)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"half")
    (tmp_path / ".history.csv.99.partial").write_bytes(b"half")
    pretrain_shared(pairs, tmp_path)
    assert contents(tmp_path) == uninterrupted


@pytest.mark.parametrize("change", ["settings", "config", "data", "precision", "tokenizer"])
def test_another_training_starts_anew_and_says_why(tmp_path, pairs, capsys, change):
    interrupted(pairs, tmp_path / "used", 2)
    renamed = dataclasses.replace(pairs, captions=[f"{caption} yellow" for caption in pairs.captions])
    arguments, words = {
        "settings": ({"settings": dataclasses.replace(SETTINGS, learning_rate=1e-3)}, "learning_rate was 0.003"),
        "config": ({"config": {"shared": ()}}, "shared was"),
        "data": ({"pairs": dataclasses.replace(pairs, content_hash="other")}, "data was coloured 0, is other"),
        "precision": ({"runtime": Runtime(precision="bfloat16")}, "precision was float32, is bfloat16"),
        "tokenizer": ({"pairs": renamed}, "tokenizer was sha256:"),
    }[change]
    arguments = {"pairs": pairs} | arguments
    interrupted(folder=tmp_path / "used", epoch=1, **arguments)
    lines = [line for line in capsys.readouterr().err.splitlines() if "starts anew" in line]
    assert len(lines) == 1
    assert words in lines[0]


def test_what_starts_anew_takes_nothing_from_the_training_before(tmp_path, pairs, uninterrupted):
    interrupted(pairs, tmp_path, 2, config={"shared": ()})
    pretrain_shared(pairs, tmp_path)
    assert contents(tmp_path) == uninterrupted


def test_the_checkpoint_holds_finite_weights_of_the_last_step(tmp_path, pairs):
    interrupted(pairs, tmp_path, 2)
    state = torch.load(tmp_path / "checkpoint" / "state.pt", weights_only=True)
    assert state["step"] == 7
    assert all(tensor.isfinite().all() for tensor in state["model"].values())
