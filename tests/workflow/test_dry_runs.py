"""The DAG of every study is built, and mistakes stop it before the first job."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ligature.params import load_study

ROOT = Path(__file__).parents[2]
STUDIES = [
    "params.yaml",
    *sorted(f"studies/{path.name}" for path in (ROOT / "studies").glob("*.yaml")),
    "tests/studies/tiny.yaml",
]


def dry_run(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).parent / "snakemake"), "--dry-run", "--directory", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def count_of(output: str, rule: str) -> int:
    return next((int(line.split()[1]) for line in output.splitlines() if line.split()[:1] == [rule]), 0)


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_has_a_dag(study, tmp_path):
    done = dry_run("--config", f"params={ROOT / study}", folder=tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    loaded = load_study(ROOT / study)
    encoders, (compared_vision, _) = loaded.encoders, loaded.compared
    assert count_of(output, "probe") == len(compared_vision)
    assert count_of(output, "report") == 1
    assert count_of(output, "encoder") == sum(e.recipe is not None for e in [*encoders.vision, *encoders.text])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v["train"].update(learning_rate="fast"), ["train.learning_rate", "'fast'"]),
        (lambda v: v.update(trian={}), ["trian", "unknown key"]),
        (lambda v: v["evaluate"].update(retrieval=["nowhere"]), ["evaluate.retrieval", "'nowhere'"]),
    ],
)
def test_a_wrong_study_stops_before_the_first_job(change, words, tmp_path):
    values = yaml.safe_load((ROOT / "tests/studies/tiny.yaml").read_text())
    change(values)
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(values))
    done = dry_run("--config", f"params={tmp_path / 'wrong.yaml'}", folder=tmp_path)
    assert done.returncode != 0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "wrong.yaml: " in line]
    assert len(lines) == 1
    for word in words:
        assert word in lines[0]


def test_a_source_with_a_resource_is_fetched_before_it_is_read(tmp_path):
    values = yaml.safe_load((ROOT / "tests/studies/tiny.yaml").read_text())
    values["sources"]["laion"] = {"format": "laion", "resource": "relaion400m@main", "parts": 3, "slices": 2}
    (tmp_path / "fetched.yaml").write_text(yaml.safe_dump(values))
    done = dry_run("--config", f"params={tmp_path / 'fetched.yaml'}", folder=tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    assert count_of(output, "fetch") == 3
    assert count_of(output, "score") == 6
    assert count_of(output, "merge") == 3 + 2 + 1


def test_a_profile_gives_the_training_its_processes(tmp_path):
    study = f"params={ROOT / 'tests/studies/tiny.yaml'}"
    alone = dry_run("-p", "--config", study, folder=tmp_path).stdout
    several = dry_run("-p", "--set-resources", "train:processes=4", "--config", study, folder=tmp_path).stdout
    assert "torchrun" not in alone
    assert "torchrun --standalone --nproc-per-node 4 -m ligature.cli.main train --params" in several


def test_the_sweep_needs_the_stores_of_every_mode_and_texts_have_no_regions(tmp_path):
    output = dry_run("stage_sweep", "--config", f"params={ROOT / 'tests/studies/tiny.yaml'}", folder=tmp_path).stdout
    assert count_of(output, "vary") == 3 + 2, "three runs by name, and a grid of two points"
    kinds = {"pooled": 2, "regions": 1, "tokens-int8": 2}
    assert count_of(output, "embed") == 3 * sum(kinds.values()), "three data sets under every view of either side"


def test_an_unknown_config_key_names_the_remedy(tmp_path):
    done = dry_run("--config", "train=1", folder=tmp_path)
    assert done.returncode != 0
    assert "--config params=studies/NAME.yaml" in done.stdout + done.stderr


def test_params_yaml_spells_out_what_experiments_override():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    study = load_study(ROOT / "params.yaml")
    for block in ("train", "pairs", "embed", "report", "evaluate"):
        missing = set(type(getattr(study, block)).model_fields) - set(values[block])
        assert not missing, f"params.yaml lacks {block}.{sorted(missing)[0]}; `dvc exp run -S` could not set it"


def test_every_parameter_that_dvc_follows_stands_in_params_yaml():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values():
        for key in stage["params"]:
            found = values
            for part in key.split("."):
                assert part in found, key
                found = found[part]
