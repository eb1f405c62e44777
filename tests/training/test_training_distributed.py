"""Several processes, started by the real torchrun, against one process on the same batches."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torchrun_worker import run_worker

from ligature.errors import ParamsError
from ligature.training import distributed
from ligature.training.distributed import Processes, join_processes

CPU = torch.device("cpu")
WORKER = Path(__file__).with_name("torchrun_worker.py")
WITHOUT_DROPOUT = {"dropout": 0.0}


def start(count: int, folder: Path, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", str(WORKER)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, json.dumps({"folder": str(folder)} | options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def finish(process: subprocess.Popen, status: int | None = 0) -> tuple[str, str]:
    output, errors = process.communicate(timeout=80)
    if status is not None:
        assert process.returncode == status, errors
    return output, errors


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def assert_close(folder: Path, other: Path, tolerance: float = 1e-5) -> None:
    ours, plain = (load_file(path / "projector.safetensors") for path in (folder, other))
    assert ours.keys() == plain.keys()
    for name, expected in plain.items():
        scale = expected.abs().max().item()
        torch.testing.assert_close(ours[name], expected, rtol=0, atol=tolerance * scale, msg=name)


@hypothesis_settings(max_examples=25, deadline=None)
@given(units=st.integers(1, 60), unit=st.integers(1, 7), size=st.integers(1, 9))
def test_shares_are_contiguous_whole_units_and_cover_the_batch(units, unit, size):
    if units < size:
        with pytest.raises(ParamsError, match=f"cannot be shared by {size} processes"):
            Processes(CPU, 0, size).share(units * unit, unit)
        return
    shares = [Processes(CPU, rank, size).share(units * unit, unit) for rank in range(size)]
    assert [index for share in shares for index in range(units * unit)[share]] == list(range(units * unit))
    lengths = [share.stop - share.start for share in shares]
    assert all(length % unit == 0 for length in lengths)
    assert max(lengths) - min(lengths) <= unit


def test_a_batch_that_is_not_whole_groups_is_refused():
    with pytest.raises(ParamsError, match="10 pairs in groups of 4 cannot be shared by 2"):
        Processes(CPU, 0, 2).share(10, 4)


def test_one_process_is_alone_and_sums_nothing(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone = join_processes("cpu")
    assert (alone.rank, alone.size, alone.leads, alone.device) == (0, 1, True, CPU)
    assert alone.sum(2.5) == 2.5
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 3.0)
    alone.sum_gradients([parameter])
    alone.wait()
    assert parameter.grad.tolist() == [3.0, 3.0]
    assert not torch.distributed.is_initialized()


def test_several_processes_without_torchrun_are_told_to_use_it(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ParamsError, match=r"WORLD_SIZE is 2, but .* is missing: start the training with torchrun"):
        join_processes("cpu")


def test_gradients_are_summed_in_buckets_and_missing_ones_left_out(monkeypatch):
    sent = []

    def doubled(tensor: torch.Tensor) -> None:
        sent.append(tensor.numel())
        tensor.mul_(2)

    monkeypatch.setattr(distributed, "BUCKET_ELEMENTS", 10)
    monkeypatch.setattr(distributed.distributed, "all_reduce", doubled)
    parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((2, 3), (4,), (1,), (30,), ())]
    for number, parameter in enumerate(parameters):
        parameter.grad = torch.full_like(parameter, number + 1.0)
    parameters[1].grad = None
    Processes(CPU, 0, 2).sum_gradients(parameters)
    assert sent == [7, 30, 1]
    assert [None if p.grad is None else p.grad.unique().tolist() for p in parameters] == [[2], None, [6], [8], [10]]


@pytest.mark.slow
def test_two_processes_train_what_one_does_and_only_the_first_writes_and_validates(tmp_path):
    process = start(2, tmp_path / "two", config=WITHOUT_DROPOUT)
    run_worker({"folder": str(tmp_path / "one"), "config": WITHOUT_DROPOUT})
    _, errors = finish(process)
    assert errors.count("train projector: 16/16 steps") == 1
    assert_close(tmp_path / "two", tmp_path / "one")
    two, one = (pd.read_csv(tmp_path / name / "history.csv") for name in ("two", "one"))
    pd.testing.assert_frame_equal(two, one, rtol=1e-5)
    assert two["validation_rank"].dropna().tolist() == [0.0] * 4
    two, one = (json.loads((tmp_path / name / "projector.json").read_text())["facts"] for name in ("two", "one"))
    assert (two["flops"], two["samples_seen"]) == (one["flops"], one["samples_seen"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "options"),
    [
        (3, {"settings": {"batch_size": 25}}),
        (2, {"runtime": {"micro_batch": 5}}),
        (2, {"loss": {"negatives": "local", "group": 8}}),
        (2, {"loss": {"kind": "siglip"}, "config": {"dropout": 0.0, "logit_bias": -10.0, "temperature": 0.1}}),
    ],
    ids=["uneven", "accumulated", "local", "siglip"],
)
def test_any_number_of_processes_and_any_loss_train_what_one_does(tmp_path, count, options):
    options = {"config": WITHOUT_DROPOUT} | options
    process = start(count, tmp_path / "many", **options)
    run_worker({"folder": str(tmp_path / "one")} | options | {"runtime": {}})
    finish(process)
    assert_close(tmp_path / "many", tmp_path / "one", 2e-5)


@pytest.mark.slow
def test_a_killed_process_ends_the_run_which_resumes_to_the_same_bytes(tmp_path):
    slow, state = {"validation_seconds": 0.3}, tmp_path / "cut" / "checkpoint" / "state.pt"
    whole, cut = start(2, tmp_path / "whole"), start(2, tmp_path / "cut", **slow)
    wait_for(state, cut)
    killed = None
    for line in cut.stdout:
        found = re.fullmatch(r"rank 1 pid (\d+)\n", line)
        if found:
            killed = int(found[1])
            break
    os.kill(killed, signal.SIGKILL)
    finish(cut, status=None)
    assert cut.returncode != 0
    assert state.exists()
    finish(whole)
    _, errors = finish(start(2, tmp_path / "cut"))
    assert errors.count("training goes on after step") == 1
    for name in ("projector.safetensors", "projector.json", "history.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_sigterm_to_torchrun_saves_and_another_number_of_processes_goes_on(tmp_path):
    options = {"config": WITHOUT_DROPOUT}
    cut = start(2, tmp_path / "cut", validation_seconds=0.5, **options)
    wait_for(tmp_path / "cut" / "checkpoint" / "state.pt", cut)
    cut.send_signal(signal.SIGTERM)
    _, errors = finish(cut, status=None)
    assert cut.returncode != 0
    assert errors.count("stopped by SIGTERM after step") == 1
    run_worker({"folder": str(tmp_path / "cut")} | options)
    run_worker({"folder": str(tmp_path / "one")} | options)
    assert_close(tmp_path / "cut", tmp_path / "one")


@pytest.mark.slow
def test_processes_that_start_from_other_data_are_stopped(tmp_path):
    _, errors = finish(start(2, tmp_path, other_data=True), status=1)
    assert "process 1 starts from other weights, data or settings than process 0" in errors
    assert not (tmp_path / "projector.json").exists()
