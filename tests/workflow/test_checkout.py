"""A clone of a finished study: `ligature pull` makes both doors agree, and nothing stale or missing is blessed."""

import csv
import os
import random
import re
import shutil
import time
from pathlib import Path

import pytest
import yaml
from study_project import Project, light_study

pytestmark = pytest.mark.slow
ALL_BELOW_TRAINING = {"train", "evaluate", "export", "report", "all", "total"}


@pytest.fixture(scope="session")
def origin(tmp_path_factory):
    """A finished, recorded, pushed and committed light study; tests only clone it."""
    folder = tmp_path_factory.mktemp("origin")
    project = Project(folder / "project", light_study())
    project.run("snakemake", "--cores", "2")
    project.run("dvc", "remote", "add", "--quiet", "--default", "store", str(folder / "store"))
    config = project.folder / ".dvc/config"
    config.write_text(re.sub(r"url = .*", f"url = {folder / 'store'}", config.read_text()))
    project.run("dvc", "push", "--quiet")
    project.commit("finished")
    return project


class Clone(Project):
    """A clone by Git, with nothing in it that Git does not keep."""

    def __init__(self, origin: Project, folder: Path) -> None:
        self.folder = folder
        origin.run("git", "clone", "--quiet", str(origin.folder), str(folder))

    def change(self, key: str, value: object) -> None:
        values = yaml.safe_load((self.folder / "params.yaml").read_text())
        block, name = key.split(".")
        values[block][name] = value
        self.write(values)

    def errors(self, *command: str) -> list[str]:
        return [line for line in self.run(*command, check=False).splitlines() if line.startswith("error: ")]


@pytest.fixture
def clone(origin, tmp_path):
    return Clone(origin, tmp_path / "clone")


def scramble(folder: Path) -> None:
    """Gives every file of a folder a time of its own: long ago, just now or in a year."""
    draw = random.Random(0)
    for path in sorted(folder.rglob("*")):
        when = time.time() + draw.choice([-1e9, -1e6, 0, 3e7])
        os.utime(path, (when, when))


def jobs(output: str) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)}


@pytest.mark.ci
def test_after_a_pull_both_doors_have_nothing_to_do_and_one_value_reruns_what_depends_on_it(clone):
    clone.run("dvc", "pull", "--quiet")
    scramble(clone.folder / "results")
    assert "type `make pull` (or `ligature pull`)" in clone.run("snakemake", "--dry-run")
    stopped = clone.run("snakemake", check=False)
    assert "type `make pull`" in stopped
    assert "Finished job" not in stopped

    assert "nothing to be done" in clone.run("ligature", "pull")
    assert clone.nothing_to_do()
    assert "make pull" not in clone.run("snakemake", "--dry-run")

    clone.change("train.learning_rate", 0.002)
    assert set(jobs(clone.run("snakemake", "--dry-run"))) == ALL_BELOW_TRAINING
    again = set(re.findall(r"Running stage '(\w+)'", clone.run("dvc", "repro", "--dry")))
    assert "train" in again
    assert not again & {"world", "encoders", "discovery", "pairs", "chosen", "matching"}


def test_nothing_stale_or_missing_is_blessed(clone):
    clone.change("train.learning_rate", 0.002)
    [line] = clone.errors("ligature", "pull")
    assert "params.yaml: train.learning_rate is not what dvc.lock records" in line
    assert not (clone.folder / "results/tiny/train").exists(), "refused before anything was fetched"

    clone.run("git", "checkout", "params.yaml")
    clone.run("dvc", "pull", "--quiet")
    weights = clone.folder / "results/tiny/train/projector.safetensors"
    weights.write_bytes(weights.read_bytes() + b"x")
    [line] = clone.errors("ligature", "pull")
    assert line.startswith("error: results/tiny/train: changed since it was recorded; `dvc checkout --force")
    shutil.rmtree(weights.parent)
    remote = clone.folder.parent / "empty"
    clone.run("dvc", "remote", "add", "empty", str(remote))
    shutil.rmtree(clone.folder / ".dvc/cache")
    clone.run("dvc", "remote", "modify", "store", "url", str(remote))
    lines = clone.errors("ligature", "pull", "--remote", "empty")
    assert any(line.startswith("error: results/tiny/train: missing; ") for line in lines), lines
    assert not list((clone.folder / ".snakemake").glob("metadata/*"))


def test_pull_says_in_one_line_what_is_missing(clone):
    config = clone.folder / ".dvc/config"
    config.write_text("")
    assert clone.errors("ligature", "pull") == [
        "error: no remote to pull from; `dvc remote add --default NAME ADDRESS`"
    ]
    (clone.folder / "dvc.lock").unlink()
    [line] = clone.errors("ligature", "pull")
    assert "dvc.lock: records no stage of this study" in line
    (clone.folder / ".git").rename(clone.folder / "git")
    [line] = clone.errors("ligature", "pull")
    assert ".git: missing here; `git clone` the project" in line
    (clone.folder / "dvc.yaml").unlink()
    [line] = clone.errors("ligature", "stage", "train")
    assert "dvc.yaml: missing here" in line


def test_a_stage_in_a_bare_clone_takes_over_what_stands_above_it_and_makes_itself_again(clone):
    clone.run("dvc", "pull", "--quiet")
    scramble(clone.folder / "results")
    clone.change("train.learning_rate", 0.002)
    output = clone.run("dvc", "repro", "train")
    assert set(jobs(output)) == {"train", "stage_train", "total"}
    logs = clone.folder / "logs/tiny"
    assert not any(log.stat().st_size for log in (logs / "embed").iterdir())
    assert (logs / "train.log").stat().st_size


def test_queued_experiments_embed_nothing_again(clone):
    clone.run("dvc", "pull", "--quiet")
    change = ["--set-param", "train.learning_rate=1e-3,3e-5"]
    clone.run("dvc", "exp", "run", "--queue", *change, "evaluation")
    clone.run("dvc", "exp", "run", "--run-all")
    names = re.findall(r"^\w{7} +(\S+) .*Success", clone.run("dvc", "queue", "status"), flags=re.MULTILINE)
    assert len(names) == 2
    for name in names:
        run = set(jobs(clone.run("dvc", "queue", "logs", name)))
        assert run == {"train", "stage_train", "evaluate", "stage_evaluation", "total"}
    table = list(csv.DictReader(clone.run("dvc", "exp", "show", "--csv").splitlines()))
    rows = [row for row in table if row["Experiment"] in names]
    assert {float(row["train.learning_rate"]) for row in rows} == {1e-3, 3e-5}
    measured = {tuple(value for key, value in row.items() if key.startswith("captions-test/")) for row in rows}
    assert len(measured) == 2
