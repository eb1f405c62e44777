"""Training on captions on several processes: each has its share of a batch, and they learn what one learns."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import torch
from captioning_worker import run_worker
from coloured_captions import coloured_captions, make_loop
from safetensors.torch import load_file

from ligature.store.damage import read_sealed
from ligature.training.distributed import Processes

WORKER = Path(__file__).with_name("captioning_worker.py")


def torchrun(count: int, options: dict) -> str:
    """Runs so many processes and returns what they say."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    done = subprocess.run(
        [*command, str(WORKER), json.dumps(options)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "options"),
    [
        pytest.param(2, {"batch_size": 8}, id="even"),
        pytest.param(3, {"batch_size": 7, "runtime": {"micro_batch": 2}}, id="uneven"),
    ],
)
def test_several_processes_train_what_one_does_and_only_the_first_writes_and_validates(tmp_path, count, options):
    options = {"parts": str(tmp_path)} | options
    errors = torchrun(count, options | {"folder": str(tmp_path / "many")})
    run_worker(options | {"folder": str(tmp_path / "one"), "runtime": {}})
    assert errors.count("caption stage 2: ") == 1
    many, one = (pd.read_csv(tmp_path / name / "history.csv") for name in ("many", "one"))
    pd.testing.assert_frame_equal(many, one, rtol=1e-4)
    assert set(many["validation_rank"].dropna()) == {0.0}
    for file in ("connector.safetensors", "language/model.safetensors"):
        ours, plain = (load_file(tmp_path / name / "model" / file) for name in ("many", "one"))
        for name, expected in plain.items():
            torch.testing.assert_close(ours[name], expected, rtol=1e-3, atol=1e-4, msg=name)
    many, one = (read_sealed(tmp_path / name / "training.json")["facts"] for name in ("many", "one"))
    for key in ("flops", "samples_seen", "steps", "cut_captions", "trainable_parameters"):
        assert many[key] == one[key]


@dataclass(frozen=True)
class Played(Processes):
    """One of several processes that are played one after the other; ``total`` is the sum over all."""

    total: float = 0.0

    def sum(self, value: float) -> float:
        return self.total


@pytest.mark.parametrize("size", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_shares_of_loss_and_gradient_sum_to_those_of_one_process(tmp_path, size):
    data = coloured_captions(tmp_path / "pictures")
    [batch] = next(make_loop(tmp_path / "model", data).load(1))

    def share(rank: int, size: int) -> tuple[float, dict]:
        played = Played(torch.device("cpu"), rank, size, batch.count)
        loop = make_loop(tmp_path / "model", data, processes=played)
        loss = loop.backward(next(loop.load(1)))
        named = loop.state.model.named_parameters()
        return loss, {name: weight.grad for name, weight in named if weight.grad is not None}

    loss, gradients = share(0, 1)
    shares = [share(rank, size) for rank in range(size)]
    assert sum(part for part, _ in shares) == pytest.approx(loss, rel=1e-6)
    for name, expected in gradients.items():
        torch.testing.assert_close(sum(part[name] for _, part in shares), expected, rtol=1e-4, atol=1e-6)
