"""Environments and images that no test builds are at least whole: files, extras and pins that they name exist."""

import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BUILT = ["Dockerfile", "apptainer.def", "workflow/envs/ligature.yaml", "workflow/envs/ligature.post-deploy.sh"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """Returns version by canonical name of the pins in a constraints file; fails on any other line."""
    lines = [line for line in text(name).splitlines() if line and not line.startswith("#")]
    pairs = [re.fullmatch(r"([\w.-]+)==([\w.+]+)", line).groups() for line in lines]
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in pairs}


def extras(name: str) -> set[str]:
    """Returns the extras of the project that a file installs."""
    found = re.search(r"EXTRAS=([\w,]+)|\.\[([\w,]+)\]", text(name))
    return set((found[1] or found[2]).split(","))


def copied(name: str) -> set[str]:
    """Returns the files of the project that a Dockerfile or a definition of Apptainer copies into the image."""
    if name == "Dockerfile":
        lines = re.findall(r"^COPY (?!--from)(.+) \S+$", text(name), re.MULTILINE)
        return {source for line in lines for source in line.split()}
    section = re.search(r"^%files\n(.*?)^%", text(name), re.MULTILINE | re.DOTALL)[1]
    return {line.split()[0] for line in section.splitlines() if line.strip()}


def test_every_direct_requirement_is_pinned():
    wanted = [
        *PROJECT["dependencies"],
        *(line for lines in PROJECT["optional-dependencies"].values() for line in lines),
    ]
    names = {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower() for line in wanted}
    assert names - set(pins("constraints.txt")) - {"ligature"} == set()


def test_the_pins_for_cuda_add_to_the_others_and_contradict_none():
    cuda = pins("constraints-cuda.txt")
    assert {"triton", "nvidia-cublas", "nvidia-nccl-cu13"} <= set(cuda)
    assert set(cuda) & set(pins("constraints.txt")) == set()


@pytest.mark.parametrize("name", ["Dockerfile", "apptainer.def", "workflow/envs/ligature.post-deploy.sh"])
def test_images_and_environments_install_extras_that_exist_under_the_pins(name):
    assert extras(name) <= set(PROJECT["optional-dependencies"])
    assert {"download", "train", "captions", "demo"} <= extras(name)
    assert "-c constraints.txt" in text(name)
    assert "-c constraints-cuda.txt" in text(name)


@pytest.mark.parametrize("name", ["Dockerfile", "apptainer.def"])
def test_images_copy_files_that_exist_and_all_that_the_build_reads(name):
    assert copied(name) == {"constraints.txt", "constraints-cuda.txt", "pyproject.toml", "README.md", "LICENSE", "src"}
    assert all((ROOT / source).exists() for source in copied(name))


def test_docker_sends_what_it_copies_and_nothing_else():
    lines = text(".dockerignore").splitlines()
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied("Dockerfile")


def test_the_container_runs_ligature_as_a_user_without_rights():
    instructions = re.findall(r"^(USER|ENTRYPOINT|FROM) (.+)$", text("Dockerfile"), re.MULTILINE)
    assert instructions[-2:] == [("USER", "ligature"), ("ENTRYPOINT", '["ligature"]')]
    assert [kind for kind, _ in instructions].count("FROM") == 2


def test_the_definition_of_apptainer_has_its_sections_and_ends_in_ligature():
    sections = re.findall(r"^%(\w+)$", text("apptainer.def"), re.MULTILINE)
    assert sections == ["arguments", "files", "post", "environment", "runscript", "test"]
    assert 'exec ligature "$@"' in text("apptainer.def")


@pytest.mark.parametrize("name", BUILT)
def test_no_file_names_a_package_index(name):
    assert "://" not in text(name)


def test_the_conda_environment_has_the_python_of_the_pins():
    environment = yaml.safe_load(text("workflow/envs/ligature.yaml"))
    assert environment["dependencies"] == ["python=3.11", "pip"]
    assert "CPython 3.11" in text("constraints.txt").splitlines()[0]


def test_the_script_installs_from_the_folder_in_which_it_is_run(tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$PWD" "$@"\n', encoding="utf-8")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    script = ROOT / "workflow/envs/ligature.post-deploy.sh"
    environment = {"PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    done = subprocess.run(["bash", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{ROOT} -m pip install ")
    assert done.stdout.endswith(" -e .[download,train,captions,demo]\n")
