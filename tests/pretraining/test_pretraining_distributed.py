"""Pre-training by several processes, started by the real torchrun, against one process on the same batches."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from coloured_pairs import ALIGNED, coloured_pairs, make_config, make_tokenizer
from pretraining_worker import run_worker
from safetensors.torch import load_file

from ligature.errors import ParamsError
from ligature.pretraining.loop import PretrainingLoop
from ligature.store.damage import read_sealed
from ligature.training import Runtime
from ligature.training.distributed import Processes

WORKER = Path(__file__).with_name("pretraining_worker.py")


def torchrun(count: int, options: dict) -> str:
    """Runs so many processes and returns what they say."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    done = subprocess.run(
        [*command, str(WORKER), json.dumps(options)],
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "options"),
    [
        pytest.param(2, {}, marks=pytest.mark.ci, id="even"),
        pytest.param(3, {"settings": {"batch_size": 13}, "runtime": {"micro_batch": 3}}, id="uneven"),
    ],
)
def test_several_processes_train_what_one_does_and_only_the_first_writes_and_validates(tmp_path, count, options):
    options = {"pictures": str(tmp_path)} | options
    errors = torchrun(count, options | {"folder": str(tmp_path / "many")})
    run_worker(options | {"folder": str(tmp_path / "one"), "runtime": {}})
    assert errors.count("pretrain: ") == 1
    many, one = (pd.read_csv(tmp_path / name / "history.csv") for name in ("many", "one"))
    pd.testing.assert_frame_equal(many, one, rtol=1e-4)
    assert many["validation_rank"].dropna().tolist() == [0.0] * 4
    ours, plain = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("many", "one"))
    for name, expected in plain.items():
        torch.testing.assert_close(ours[name], expected, rtol=1e-3, atol=1e-4, msg=name)
    many, one = (read_sealed(tmp_path / name / "training.json")["facts"] for name in ("many", "one"))
    for key in ("flops", "samples_seen", "steps", "cut_texts"):
        assert many[key] == one[key]


def test_processes_share_a_batch_in_pairs_and_refuse_one_that_is_too_small(tmp_path):
    pairs = coloured_pairs(tmp_path)
    tokenizer = make_tokenizer(pairs)

    def loop(rank: int, size: int) -> PretrainingLoop:
        processes = Processes(torch.device("cpu"), rank, size)
        with torch.random.fork_rng(devices=[]):
            return PretrainingLoop(make_config(tokenizer), pairs, tokenizer, ALIGNED, Runtime(), processes)

    whole = next(loop(0, 1).load(0))[0]
    parts = [next(loop(rank, 5).load(0))[0] for rank in range(5)]
    assert torch.equal(torch.cat([part.pixels for part in parts]), whole.pixels)
    assert torch.equal(torch.cat([part.semantics for part in parts]), whole.semantics)
    for part, start in zip(parts, (0, 2, 4, 7, 9), strict=True):
        length = part.tokens.shape[1]
        assert torch.equal(part.tokens, whole.tokens[start : start + len(part.tokens), :length])
    with pytest.raises(ParamsError, match="12 pairs in groups of 1 cannot be shared by 13 processes"):
        loop(0, 13)
