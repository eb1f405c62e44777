"""Every rule declares its software, and a profile's choice of deployment reaches it."""

import re

import pytest
import yaml
from stand_ins import ROOT, Deployed

STUDY = ROOT / "tests/studies/tiny.yaml"
RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))


def rules(text: str) -> dict[str, str]:
    """Returns the text of every rule by its name."""
    blocks = text.replace("\ncheckpoint ", "\nrule ").split("\nrule ")[1:]
    return {block.partition(":")[0]: block for block in blocks}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_rule_that_runs_a_command_declares_its_environment(path):
    for name, text in rules(path.read_text(encoding="utf-8")).items():
        if "\n    shell:" in text:
            assert '\n    conda:\n        "../envs/ligature.yaml"\n' in text, f"{path.name}: {name}"


def test_another_way_to_deploy_the_same_software_makes_nothing_again():
    shared = (ROOT / "profiles/default/config.yaml").read_text(encoding="utf-8")
    (triggers,) = re.findall(r"^rerun-triggers: \[(.+)\]$", shared, re.MULTILINE)
    assert sorted(triggers.split(", ")) == ["code", "input", "mtime", "params"]
    others = [path for path in (ROOT / "profiles").glob("*/config.yaml") if path.parent.name != "default"]
    assert len(others) >= 2
    assert not any("rerun-triggers" in path.read_text(encoding="utf-8") for path in others)


@pytest.mark.slow
def test_conda_and_apptainer_run_the_rules_where_a_profile_asks_for_them(tmp_path):
    values = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
    project = Deployed(tmp_path, values)
    project.snakemake("stage_world", "--software-deployment-method", "apptainer")
    assert " build/ligature.sif bash -c set -euo pipefail;  ligature world" in project.asked()
    assert "Nothing to be done" in project.snakemake("stage_world")
    project.snakemake("stage_world", "--forcerun", "world", "--software-deployment-method", "conda")
    created = next(line for line in project.asked().splitlines() if line.startswith("conda env create"))
    assert f"{project.folder}/.snakemake/conda/" in created
    install = next(line for line in project.asked().splitlines() if line.startswith("python -m pip install"))
    assert install.endswith(f" -e .[download,train,demo] in {project.folder}")
