"""The paper study against a mirror of every public source: its own rules, from fetching to the page, on tiny files."""

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from paper_miniature import few_of_each, in_miniature, paper_study, serve_models
from study_project import Project
from tiny_mirror import tiny_mirror

from ligature.data.remote.resources import read_sources
from ligature.params import load_study

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "workflow/resources/sources.csv"


def rules_run(output: str) -> set[str]:
    """Returns the rules of Snakemake's table of jobs."""
    return set(re.findall(r"^(\w+) +\d+$", output, re.MULTILINE)) - {"total"}


@pytest.mark.parametrize("study", ["paper", "coco"])
def test_every_resource_of_a_study_stands_in_the_table_with_its_terms(study):
    params = load_study(ROOT / f"studies/{study}.yaml")
    table = read_sources(SOURCES).assign(key=lambda rows: rows["name"] + "@" + rows["version"]).set_index("key")
    wanted = {key for dataset in params.datasets.values() for key in dataset.resources}
    wanted |= {source.resource for source in params.sources.values()}
    assert wanted
    assert wanted <= set(table.index)
    assert table.loc[sorted(wanted), "licence"].str.len().min() > 0


@pytest.mark.parametrize("study", ["paper", "coco"])
def test_every_model_of_a_study_is_pinned_to_a_commit(study):
    params = load_study(ROOT / f"studies/{study}.yaml")
    languages = params.captioning.languages.values() if params.captioning else ()
    models = [*params.encoders.vision, *params.encoders.text, *languages]
    pins = [entry.revision for entry in models if entry.source]
    assert len(pins) >= 4
    assert all(re.fullmatch(r"[0-9a-f]{40}", pin) for pin in pins)


def test_the_published_settings_of_the_paper():
    study = load_study(ROOT / "studies/paper.yaml")
    train, curate = study.train, study.curate
    assert (train.batch_size, train.loss.group, train.learning_rate, train.weight_decay) == (14400, 1800, 0.001, 0.02)
    assert (train.warmup_steps, train.min_learning_rate, train.projector.embed_dim) == (1000, 1e-5, 1024)
    assert (curate.k, curate.quota, curate.prototypes.shots) == (50_000, 2000, 128)
    assert study.sources["laion"].parts == 32
    assert (study.pairs.choose.vision, study.pairs.choose.text) == ("dinov2-large", "all-roberta-large")


def run_against_a_mirror(values: dict, folder: Path) -> tuple[Project, str]:
    """Runs a study with nothing but a mirror to reach; returns its project and what Snakemake printed."""
    (folder / "project").mkdir()
    with tiny_mirror(folder / "mirror") as mirror:
        serve_models(mirror, values, folder / "models")
        project = Project(folder / "project", values)
        done = subprocess.run(
            ["snakemake", "--cores", "2"],
            cwd=project.folder,
            env=project.environment() | mirror.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        asked = {path.split("/")[1] for path, _ in mirror.seen}
    assert done.returncode == 0, done.stdout[-4000:]
    assert {"huggingface.co", "images.cocodataset.org", "pictures.example.org"} <= asked
    return project, done.stdout


@pytest.mark.slow
def test_every_rule_of_the_paper_study_runs_on_a_mirror_in_miniature(tmp_path):
    project, output = run_against_a_mirror(few_of_each(paper_study()), tmp_path)
    full = project.folder / "studies"
    full.mkdir()
    (full / "paper.yaml").write_text((ROOT / "studies/paper.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    all_of_it = project.run("snakemake", "--dry-run", "--forceall", "--config", "params=studies/paper.yaml")
    assert rules_run(output) == rules_run(all_of_it)
    root = project.folder / "results/paper"
    results = pd.read_csv(root / "evaluation/results.csv")
    assert {"classification", "retrieval", "gap"} <= set(results["task"])
    assert results["value"].between(-1e3, 1e3).all()
    mixes = pd.read_csv(root / "mixes/mixes.csv")
    assert len(mixes) >= 2
    captions = pd.read_csv(root / "captioning/results.csv")
    assert {"align-3b", "align-repository"} <= set(captions["model"])
    assert {"captioning", "captioning noise", "visual tokens"} <= set(captions["task"])
    assert (root / "report/index.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_whole_paper_study_runs_on_a_mirror_with_every_data_set_in_miniature(tmp_path):
    project, _ = run_against_a_mirror(in_miniature(paper_study()), tmp_path)
    results = pd.read_csv(project.folder / "results/paper/evaluation/results.csv", keep_default_na=False)
    study = load_study(ROOT / "studies/paper.yaml")
    assert {*study.evaluate.classification, *study.evaluate.retrieval} <= set(results["dataset"])
    captions = pd.read_csv(project.folder / "results/paper/captioning/results.csv", keep_default_na=False)
    assert set(study.captioning.runs) <= set(captions["model"])
    assert set(study.captioning.evaluation) <= set(captions["dataset"])
    sweep = pd.read_csv(project.folder / "results/paper/sweep/results.csv", keep_default_na=False)
    languages = sweep[(sweep["model"] == "multilingual") & (sweep["task"] == "multilingual retrieval")]
    assert {"en", "de", "ja", "ru"} <= set(languages["variant"])
