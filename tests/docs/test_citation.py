"""The citation and the catalog entry are well formed and agree with the package."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_has_what_its_format_requires_and_agrees_with_the_package():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["message"]
    assert (CITATION["title"], CITATION["type"]) == ("Ligature", "software")
    assert CITATION["authors"] == [{"name": "The Ligature authors"}]
    assert (CITATION["version"], CITATION["license"]) == (PROJECT["version"], PROJECT["license"])


@pytest.mark.parametrize("paper", CITATION["references"], ids=lambda paper: paper["identifiers"][0]["value"])
def test_every_paper_has_title_authors_year_and_number(paper):
    assert paper["type"] == "conference-paper"
    assert paper["title"]
    assert paper["collection-title"]
    assert 2024 <= paper["year"] <= 2026
    assert re.fullmatch(r"arXiv:\d{4}\.\d{5}", paper["identifiers"][0]["value"])
    assert all(set(author) == {"given-names", "family-names"} for author in paper["authors"])


def test_every_paper_is_cited_once():
    numbers = [paper["identifiers"][0]["value"].removeprefix("arXiv:") for paper in CITATION["references"]]
    assert sorted(numbers) == ["2401.05224", "2406.17639", "2409.19425", "2502.01341"]


def test_the_catalog_entry_has_the_keys_of_its_format():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    deployment = usage["software-stack-deployment"]
    assert set(deployment) == {"conda", "apptainer", "apptainer+conda", "report"}
    assert all(isinstance(value, bool) for value in deployment.values())


def test_the_catalog_promises_only_deployments_that_the_workflow_declares():
    deployment = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    declared = {"conda": (ROOT / "workflow/envs/ligature.yaml").is_file(), "apptainer": "container:" in snakefile()}
    promised = deployment["software-stack-deployment"]
    assert {name: promised[name] for name in declared} == declared


def snakefile() -> str:
    return (ROOT / "Snakefile").read_text(encoding="utf-8")
