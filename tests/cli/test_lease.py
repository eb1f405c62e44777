"""Leases of GPUs with ids that stand for none: no two overlap, and a lock ends with its process."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ligature.cli import lease as module
from ligature.errors import ParamsError

START = "import sys; from ligature.cli.main import run; sys.argv[0] = 'ligature'; run()"
HOLD = (
    "import json, os, sys, time; out = open(sys.argv[1], 'a'); start = time.monotonic();"
    "print('held', flush=True); time.sleep(float(sys.argv[2]));"
    "row = [os.environ['CUDA_VISIBLE_DEVICES'].split(','), start, time.monotonic()];"
    "out.write(json.dumps(row) + chr(10))"
)


def start_lease(folder: Path, gpus: int, *command: str, ids: str = "0,1,2,3") -> subprocess.Popen:
    """Starts `ligature lease` in a process of its own."""
    environment = os.environ | {"LIGATURE_GPUS": ids, "LIGATURE_LOCKS": str(folder / "locks")}
    words = [sys.executable, "-c", START, "lease", "--gpus", str(gpus), "--", *command]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start_holder(folder: Path, gpus: int, seconds: float, ids: str) -> subprocess.Popen:
    """Starts a lease whose command notes from when to when it held which ids."""
    command = [sys.executable, "-c", HOLD, str(folder / "rows.jsonl"), str(seconds)]
    return start_lease(folder, gpus, *command, ids=ids)


def read_rows(folder: Path) -> list[list]:
    """Returns (ids, start, end) of every command that held GPUs."""
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def assert_no_overlap(rows: list[list]) -> None:
    """Checks that no id was held by two commands at a time."""
    for ids, start, end in rows:
        assert len(set(ids)) == len(ids)
        others = [row for row in rows if row[1] < end and start < row[2] and row != [ids, start, end]]
        assert not any(set(ids) & set(other) for other, _, _ in others)


def test_concurrent_leases_never_overlap(tmp_path):
    holders = [start_holder(tmp_path, gpus, 0.15, "0,1,2") for gpus in (1, 2, 1, 3)]
    assert [holder.wait(timeout=60) for holder in holders] == [0] * 4, [holder.stderr.read() for holder in holders]
    rows = read_rows(tmp_path)
    assert sorted(len(ids) for ids, _, _ in rows) == [1, 1, 2, 3]
    assert_no_overlap(rows)


def test_a_killed_holder_frees_its_ids(tmp_path):
    holder = start_holder(tmp_path, 2, 60, "0,1")
    assert holder.stdout.readline() == "held\n"
    waiting = start_holder(tmp_path, 1, 0, "0,1")
    assert waiting.stderr.readline().strip() == "waiting for 1 of the GPUs 0, 1"
    assert waiting.poll() is None
    holder.kill()
    assert holder.wait(timeout=10) == -signal.SIGKILL
    assert waiting.wait(timeout=10) == 0
    assert json.loads((tmp_path / "rows.jsonl").read_text())[0] == ["0"]


def test_a_command_ends_as_itself(tmp_path):
    done = start_lease(tmp_path, 2, "sh", "-c", "echo $CUDA_VISIBLE_DEVICES; exit 7", ids="GPU-a1,3")
    assert done.communicate(timeout=30)[0] == "GPU-a1,3\n"
    assert done.returncode == 7
    ended = start_lease(tmp_path, 1, "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done")
    assert ended.stdout.readline() == "ready\n"
    ended.send_signal(signal.SIGTERM)
    assert ended.wait(timeout=10) == 5


@pytest.mark.parametrize(
    ("ids", "gpus", "command", "complaint"),
    [
        ("0,1", 3, ["true"], "error: --gpus 3: there are 2 GPUs (0, 1); ask for fewer"),
        ("", 1, ["true"], "error: --gpus 1: there are 0 GPUs (none); ask for fewer"),
        ("0,0", 1, ["true"], "error: LIGATURE_GPUS names GPU '0'"),
        ("0,../x", 1, ["true"], "error: LIGATURE_GPUS names GPU '../x'"),
        ("0", 1, ["no-such-program"], "error: cannot run 'no-such-program'"),
    ],
)
def test_what_can_never_run_is_refused_in_one_line(tmp_path, ids, gpus, command, complaint):
    done = start_lease(tmp_path, gpus, *command, ids=ids)
    errors = done.communicate(timeout=30)[1]
    assert done.returncode == 1
    assert errors.startswith(complaint)
    assert errors.count("\n") == 1


def test_ids_come_from_the_variables_before_nvidia_smi(tmp_path, monkeypatch):
    monkeypatch.delenv("LIGATURE_GPUS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 5")
    assert module.known_gpus() == ["4", "5"]
    monkeypatch.setenv("LIGATURE_GPUS", "7")
    assert module.known_gpus() == ["7"]
    for variable in ("LIGATURE_GPUS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(variable)
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert module.known_gpus() == ["0", "1"]
    tool.write_text("#!/bin/sh\necho 'No devices were found'; exit 6\n")
    with pytest.raises(ParamsError, match="nvidia-smi lists none"):
        module.known_gpus()


def test_many_takers_in_one_process_get_each_id_once(tmp_path):
    owners: dict[str, int] = {}
    clashes = []

    def use(taker: int) -> None:
        draw = random.Random(taker)
        for _ in range(5):
            held = module.take(draw.randint(1, 2), ["a", "b", "c"], tmp_path)
            clashes.extend(name for name in held if owners.setdefault(name, taker) != taker)
            time.sleep(0.002)
            for name in held:
                del owners[name]
            for lock in held.values():
                os.close(lock)

    takers = [threading.Thread(target=use, args=[number]) for number in range(4)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join(timeout=60)
    assert not any(taker.is_alive() for taker in takers)
    assert not clashes


SNAKEFILE = """
rule all:
    input: expand("{job}.txt", job=range(5))

rule compute:
    output: "{job}.txt"
    resources: gpu=lambda wildcards: 2 if wildcards.job == "0" else 1
    shell:
        "PYTHON -c START lease --gpus {resources.gpu} -- PYTHON -c HOLD rows.jsonl 0.3 && touch {output}"
"""


@pytest.mark.slow
def test_jobs_of_snakemake_never_share_a_gpu(tmp_path):
    words = {"START": START, "HOLD": HOLD.replace("{", "{{").replace("}", "}}"), "PYTHON": sys.executable}
    text = SNAKEFILE
    for word, value in words.items():
        text = text.replace(word, json.dumps(shlex.quote(value))[1:-1])
    (tmp_path / "Snakefile").write_text(text)
    environment = os.environ | {"LIGATURE_GPUS": "0,1", "LIGATURE_LOCKS": str(tmp_path / "locks")}
    command = [sys.executable, "-m", "snakemake", "--cores", "4", "--resources", "gpu=2"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = read_rows(tmp_path)
    assert sorted(ids for ids, _, _ in rows if len(ids) == 2) == [["0", "1"]]
    assert len(rows) == 5
    assert_no_overlap(rows)
