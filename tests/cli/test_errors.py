"""Every mistake a user can make on the command line is one line and a non-zero exit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_study import light_values

from ligature.cli import context
from ligature.errors import ParamsError


def ligature(*arguments, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ligature.cli.main", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=os.environ | environment, check=False)


def study_in(folder: Path, change=lambda values: None) -> None:
    values = light_values()
    change(values)
    (folder / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")


def assert_one_line(done: subprocess.CompletedProcess, *words: str) -> None:
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


def test_unknown_key(tmp_path):
    study_in(tmp_path, lambda values: values["train"].update(learning_rat=1))
    assert_one_line(ligature("train", cwd=tmp_path), "params.yaml", "train.learning_rat", "unknown key")


def test_wrong_type(tmp_path):
    study_in(tmp_path, lambda values: values["train"].update(epochs="many"))
    assert_one_line(ligature("train", cwd=tmp_path), "train.epochs", "'many'", "integer")


def test_unknown_encoder_and_data_set(tmp_path):
    study_in(tmp_path)
    assert_one_line(ligature("embed", "clip", "captions-val", cwd=tmp_path), "'clip'", "pixels")
    assert_one_line(ligature("embed", "pixels", "imagenet", cwd=tmp_path), "'imagenet'", "captions-val")


def test_missing_data(tmp_path):
    study_in(tmp_path)
    done = ligature("embed", "pixels", "captions-val", cwd=tmp_path)
    assert_one_line(done, "captions_val.json", "No such file")


def test_part_out_of_range(tmp_path, finished):
    layout, file = finished
    done = ligature(
        "embed", "pixels", "captions-val", "--part", 3, "--params", file, "--results", layout.results, cwd=tmp_path
    )
    assert_one_line(done, "--part 3", "1 parts")


def test_unwritable_results(tmp_path, finished):
    _, file = finished
    (tmp_path / "results").write_text("in the way")
    assert_one_line(ligature("world", "--params", file, cwd=tmp_path), "results")


def test_stage_before_its_input(tmp_path):
    study_in(tmp_path)
    assert_one_line(ligature("train", cwd=tmp_path), "chosen.json", "ligature select")
    assert_one_line(ligature("show", cwd=tmp_path), "results.csv")


def test_flat_loss_stops_with_a_clear_line(tmp_path, finished):
    layout, _ = finished
    values = light_values()
    values["train"].update(learning_rate=1e-9, min_learning_rate=1e-10, epochs=60, warmup_steps=0)
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(values))
    results = tmp_path / "results"
    results.mkdir()
    (results / "tiny").mkdir()
    for name in ("embeddings", "pairs"):
        (results / "tiny" / name).symlink_to(layout.root / name)
    done = ligature("train", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "loss" in done.stderr.strip().splitlines()[-1]
    assert not (results / "tiny" / "train" / "projector.safetensors").exists()


@pytest.mark.parametrize(
    "verb",
    [
        "world",
        "encoder",
        "embed",
        "compare",
        "probe",
        "select",
        "train",
        "evaluate",
        "report",
        "show",
        "record",
        "schema",
    ],
)
def test_help_of_every_verb(verb, tmp_path):
    done = ligature(verb, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert verb in done.stdout


def test_help_lists_every_verb(tmp_path):
    from ligature.cli.main import VERBS

    done = ligature("--help", cwd=tmp_path)
    assert done.returncode == 0
    for verb in [*VERBS, "schema"]:
        assert verb in done.stdout


def test_a_gpu_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert context.usable_device("cpu") == "cpu"
    with pytest.raises(ParamsError, match="device is 'cuda:1', but torch sees no CUDA GPU here: use cpu"):
        context.usable_device("cuda:1")
