"""Killing jobs and whole runs at random moments."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import psutil
from study_project import Project

UNKNOWN_LIFE = 4.0
"""CPU seconds of a job of which nothing is known; most of them pass with imports."""


def job_lives(project: Project) -> dict[str, float]:
    """Returns the CPU seconds that the shortest job of every rule took, from the workflow's own benchmark files."""
    lives: dict[str, float] = {}
    logs = project.folder / "logs" / "tiny"
    for path in logs.rglob("*.tsv"):
        table = pd.read_csv(path, sep="\t", na_values=["-"])
        if "cpu_time" in table and len(table) and table["cpu_time"].iloc[-1] > 0:
            rule = path.relative_to(logs).with_suffix("").parts[0]
            lives[rule] = min(lives.get(rule, float("inf")), float(table["cpu_time"].iloc[-1]))
    return lives


def running_jobs(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Yields (rule, process) of every running `ligature` job of a project, without the workers that jobs start."""
    for process in psutil.process_iter():
        try:
            rule = _rule_of(process)
            if rule and process.cwd() == str(folder) and not _rule_of(process.parent()):
                yield rule, process
        except psutil.Error:
            continue


def _rule_of(process: psutil.Process | None) -> str | None:
    words = process.cmdline() if process else []
    if len(words) > 2 and "python" in Path(words[0]).name and Path(words[1]).name == "ligature":
        return words[2].replace("-", "_")
    return None


class Killer(threading.Thread):
    """Kills one job of every rule with SIGKILL at a random moment of its life, which is counted in CPU seconds.

    Attributes:
        waiting: rules of which no job has been killed yet.
        killed: (rule, CPU seconds it had lived) of the jobs that died by its hand, in order.
    """

    def __init__(self, folder: Path, rules: Iterable[str], lives: dict[str, float], seed: int = 0) -> None:
        """Takes the project's folder, what is to be killed, and how long it is expected to live."""
        super().__init__(daemon=True)
        self.folder, self.waiting, self.lives = folder, set(rules), lives
        self.killed: list[tuple[str, float]] = []
        self._random, self._ended = random.Random(seed), threading.Event()
        self._moments: dict[int, float] = {}

    def run(self) -> None:
        """Watches until it is told to stop."""
        while not self._ended.wait(0.05):
            for rule, process in running_jobs(self.folder):
                if rule in self.waiting:
                    self._consider(rule, process)

    def _consider(self, rule: str, process: psutil.Process) -> None:
        life = self.lives.get(rule, UNKNOWN_LIFE)
        moment = self._moments.setdefault(process.pid, self._random.uniform(0.05, 0.9) * life)
        try:
            times = process.cpu_times()
            if times.user + times.system < moment:
                return
            process.kill()
        except psutil.Error:
            return
        self.waiting.discard(rule)
        self.killed.append((rule, times.user + times.system))

    def __enter__(self) -> "Killer":
        """Begins the watch."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the watch."""
        self._ended.set()
        self.join()


def kill_whole_run(project: Project, after_jobs: int, *options: str) -> None:
    """Starts a run and kills Snakemake and all it started at once, as a power cut does, while a later job runs."""
    with subprocess.Popen(
        ["snakemake", "--cores", "2", *options],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        records = project.folder / ".snakemake" / "metadata"
        while process.poll() is None:
            finished = sum(1 for path in records.rglob("*") if path.is_file())
            if finished >= after_jobs and any(True for _ in running_jobs(project.folder)):
                break
            time.sleep(0.05)
        assert process.poll() is None, "the run ended before it was killed"
        os.killpg(process.pid, signal.SIGKILL)
