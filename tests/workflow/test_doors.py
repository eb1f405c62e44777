"""Snakemake and DVC: after a run by one door the other has nothing to do."""

import hashlib
import re

import pytest
from study_project import Project, light_study

pytestmark = pytest.mark.slow


def stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '(\w+)'", output)


def test_after_snakemake_dvc_has_nothing_to_do_and_an_experiment_reruns_only_what_it_changes(project):
    project.run("snakemake")
    assert project.nothing_to_do()
    assert not stages_run(project.run("dvc", "repro"))
    assert (project.folder / "results/tiny/report/index.html").is_file()

    project.commit("first run")
    output = project.run("dvc", "exp", "run", "--set-param", "train.seed=1")
    run = stages_run(output)
    assert run[0] == "train"
    assert set(run) == {"train", "evaluation", "segmentation", "sweep", "model", "curation", "ablation", "report"}
    assert run.index("evaluation") < min(run.index("report"), run.index("model"))
    assert project.nothing_to_do()
    changes = project.run("dvc", "metrics", "diff")
    assert "captions-test/i2t_recall@1" in changes or "captions-test" in changes


def test_after_dvc_repro_snakemake_has_nothing_to_do(project):
    output = project.run("dvc", "repro")
    assert stages_run(output)[0] == "world"
    assert stages_run(output).index("report") > stages_run(output).index("ablation")
    assert project.nothing_to_do()

    weights = project.folder / "results/tiny/train/projector.safetensors"
    before = hashlib.sha256(weights.read_bytes()).hexdigest()
    values = light_study()
    values["train"]["learning_rate"] = 0.002
    project.write(values)
    output = project.run("snakemake")
    jobs = {line.split()[0]: int(line.split()[1]) for line in output.splitlines() if re.fullmatch(r"\w+ +\d+", line)}
    assert jobs == {"train": 1, "evaluate": 1, "export": 1, "report": 1, "all": 1, "total": 5}
    assert hashlib.sha256(weights.read_bytes()).hexdigest() != before
    assert project.nothing_to_do()


def test_a_curated_study_is_the_same_at_both_doors_and_reruns_from_what_it_changes(curated_project):
    project = curated_project
    assert project.nothing_to_do()
    shards = project.folder / "results/tiny/download/collected/chunk-00000/images.tar"
    before = shards.read_bytes()
    project.commit("first run")
    output = project.run("dvc", "exp", "run", "--set-param", "ablation.steps=10")
    assert stages_run(output) == ["ablation", "report"]
    assert project.nothing_to_do()
    assert shards.read_bytes() == before


def test_a_stage_that_is_not_up_to_date_is_not_recorded(project):
    project.run("snakemake", "stage_pairs")
    recorded = project.run("ligature", "record")
    assert "recorded in dvc.lock: world, encoders, discovery, pairs" in recorded
    assert "not recorded, since not up to date: chosen, train, evaluation, " in recorded


def test_record_says_where_it_belongs(tmp_path):
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project", light_study())
    (project.folder / "dvc.yaml").unlink()
    output = project.run("ligature", "record", check=False)
    assert "dvc.yaml: missing here" in output
