"""What the pages show is true: Python examples run, studies are valid, commands and files exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ligature.cli.main import VERBS
from ligature.params import parse_study

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LEADS = {"design.md", "protocols.md"}
PAGES = sorted(page for page in DOCS.glob("*.md") if page.name not in LEADS)
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
FOLDERS = "src|docs|studies|profiles|workflow|tests|benchmarks"
SINGLE = (
    r"constraints(?:-cuda)?\.txt|pyproject\.toml|apptainer\.def|CITATION\.cff|"
    r"Dockerfile|Makefile|Snakefile|params\.yaml|dvc\.yaml"
)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(?!# [\w-]+/config)(.*?)^```", text, re.DOTALL | re.MULTILINE)


def merged(base: dict, changes: dict) -> dict:
    """Returns a study with an example's blocks put into it: lists and mappings grow, other values are replaced."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merged(base[key], value)
        elif isinstance(value, list) and key in {"vision", "text"} and isinstance(base.get(key), list):
            base[key] = base[key] + value
        else:
            base[key] = value
    return base


@pytest.mark.parametrize(
    "page", [page for page in PAGES if EXAMPLE.search(TEXTS[page.name])], ids=lambda page: page.name
)
def test_python_examples_print_what_the_page_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for code, printed in EXAMPLE.findall(TEXTS[page.name]):
        exec(compile(code, page.name, "exec"), names)
        assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(TEXTS[page.name], "yaml")], ids=lambda page: page.name
)
def test_examples_of_study_files_are_valid_in_the_mini_study(page):
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for block in blocks(TEXTS[page.name], "yaml"):
        merged(values, yaml.safe_load(block))
    assert parse_study(values, page.name).study == "mini"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_verbs_and_make_targets_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = "\n".join(blocks(TEXTS[page.name], "bash")) + "\n" + "\n".join(re.findall(r"`([^`\n]+)`", TEXTS[page.name]))
    for verb in re.findall(r"^(?:\w+=\S+ )*ligature ([a-z][a-z-]*)", shown, re.MULTILINE):
        assert verb in {*VERBS, "schema"}, verb
    for target in re.findall(r"^make ([a-z-]+)", shown, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_repository_that_a_page_names_exist(page):
    named = re.findall(rf"[\s`(=]((?:{FOLDERS})/[\w./-]+\w)", TEXTS[page.name])
    named += re.findall(rf"`({SINGLE})`", TEXTS[page.name])
    missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
    assert missing == []


def test_every_page_stands_in_the_navigation_and_the_site_needs_no_other_host():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    pages = set(re.findall(r": ([\w/-]+\.md)$", text, re.MULTILINE))
    assert pages == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert settings["theme"]["font"] is False
    assert "://" not in text


@pytest.mark.slow
@pytest.mark.ci
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for page in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(https?:[^\"' >]+)", page.read_text())
        assert loaded == [], page.name
