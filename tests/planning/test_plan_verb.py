"""`ligature plan`: the options, the files it writes, and the DAG that it asks for."""

import shutil

import pandas as pd
import pytest
import yaml
from plan_examples import ROOT, summary_of, tiny_values
from typer.testing import CliRunner

from ligature.cli import plan_study
from ligature.cli.plan import plan
from ligature.errors import LigatureError, ParamsError

ALL = summary_of(("world/world.json", "world"), ("pairs/chosen.json", "select"), ("report/index.html", "report"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a study whose pair is left to discovery; Snakemake is not started."""
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow")
    shutil.copy(ROOT / "Snakefile", tmp_path)
    values = tiny_values()
    values["pairs"]["choose"] = None
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(folder, monkeypatch):
    """The study that Snakemake is asked for."""
    studies = []

    def summary(path):
        studies.append(yaml.safe_load(path.read_text()))
        return ALL

    monkeypatch.setattr(plan_study, "_summary", summary)
    return studies


def run(*arguments):
    return CliRunner().invoke(plan, [str(argument) for argument in arguments])


def test_a_study_is_planned_with_the_last_encoders_where_discovery_chooses(folder, asked):
    done = run("--gpus", 0)
    assert done.exit_code == 0, done.output
    assert "Pair: vit-untrained and bert-untrained (assumed" in done.output
    assert asked[0]["pairs"]["choose"] == {"vision": "vit-untrained", "text": "bert-untrained"}
    table = pd.read_csv(folder / "results/tiny/plan/study.csv")
    assert table["rule"].to_list() == ["world", "select", "report"]
    assert (folder / "results/tiny/plan/study.md").read_text() in done.output


def test_another_pair_can_be_assumed(asked):
    run("--pair", "pixels,bag-of-words")
    assert asked[0]["pairs"]["choose"] == {"vision": "pixels", "text": "bag-of-words"}


def test_given_rates_and_rows_are_used(asked):
    done = run("--given", "page=0.5", "--rows", "laion=1e6")
    assert "| page | cpu | 1 pages | 0.5 pages/s | given |" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pair", "pixels,nothing"], "unknown text encoder 'nothing'"),
        (["--pair", "pixels"], "unknown text encoder ''"),
        (["--given", "page"], "'page': write NAME=NUMBER"),
        (["--given", "fly=2"], "'fly': unknown"),
        (["--rows", "nowhere=5"], "nowhere: neither a data set nor a source"),
        (["--rows", "laion=0.5"], "laion=0.5: give a whole number"),
        (["--resources", "nowhere"], r"rates.csv: cannot be read"),
    ],
)
def test_a_wrong_option_is_one_line(asked, arguments, words):
    done = run(*arguments)
    assert isinstance(done.exception, ParamsError)
    assert pd.Series([str(done.exception)]).str.contains(words).all(), done.exception
    assert "\n" not in str(done.exception)


def test_without_a_snakefile_the_remedy_is_named(folder):
    (folder / "Snakefile").unlink()
    done = run()
    assert isinstance(done.exception, LigatureError)
    assert "go to the project's folder" in str(done.exception)


@pytest.mark.slow
def test_snakemake_lists_every_job_of_a_study_also_behind_the_choice(folder):
    done = run("--gpus", 0, "--cores", 2)
    assert done.exit_code == 0, done.exception
    jobs = pd.read_csv(folder / "results/tiny/plan/study.csv").set_index("rule")
    assert jobs["unknown_jobs"].sum() == 0
    assert jobs.loc[["world", "encoder", "probe", "train", "score", "merge", "download"], "jobs"].to_list() == [
        1,
        2,
        2,
        1,
        4,
        3,
        4,
    ]
    assert (jobs[["cpu_hours", "hours"]] > 0).all().all()
    assert sorted(path.name for path in (folder / "results/tiny").iterdir()) == ["plan"]
