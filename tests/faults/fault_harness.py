"""What a hurt study is judged by: bytes of results, words and number of jobs; and folders that are closed or full."""

import hashlib
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from study_project import Project

TIMED = re.compile(r"report/|model/README\.md$|.*costs\.csv$|(.*/)?\.|.*\.damaged$")
"""Results that say how long something took, and what is no result: hidden files and what was set aside."""
RESULTS = Path("results") / "tiny"


def fingerprint(project: Project) -> dict[str, str]:
    """Returns the SHA-256 of every result of the study but those that hold times."""
    root = project.folder / RESULTS
    names = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in names.items() if not TIMED.match(name)
    }


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Returns the files that are missing, new or different."""
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def run_study(project: Project, *options: str, **environment: str) -> tuple[int, str]:
    """Runs the study once; returns the exit status and what was printed."""
    done = subprocess.run(
        ["snakemake", "--cores", "2", *options],
        cwd=project.folder,
        env=project.environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def run_to_the_end(project: Project, *options: str, tries: int) -> list[str]:
    """Runs the study again and again, as a user would, until it ends well; returns what every run printed."""
    outputs = []
    for _ in range(tries):
        status, output = run_study(project, *options)
        outputs.append(output)
        if status == 0:
            return outputs
    raise AssertionError(f"not done after {tries} runs:\n{outputs[-1][-4000:]}")


def error_lines(output: str) -> list[str]:
    """Returns what the jobs themselves said was wrong, each once."""
    return list(dict.fromkeys(line for line in output.splitlines() if line.startswith("error: ")))


def jobs_of(output: str) -> Counter[str]:
    """Returns how many jobs of every rule a run finished."""
    return Counter(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", output, re.MULTILINE))


def made_from(project: Project, rule: str) -> set[str]:
    """Returns the rules that read, directly or not, what a rule makes; the rule itself among them."""
    graph = project.run("snakemake", "--forceall", "--rulegraph")
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)', graph, re.MULTILINE))
    edges = re.findall(r"^\s*(\d+) -> (\d+)", graph, re.MULTILINE)
    found = {number for number, name in names.items() if name == rule}
    while more := {reader for source, reader in edges if source in found} - found:
        found |= more
    return {names[number] for number in found}


def copy_of(project: Project, folder: Path) -> Project:
    """Returns a copy of a project with its results and Snakemake's records of them."""
    shutil.copytree(project.folder, folder, symlinks=True)
    return finished_project(folder)


def finished_project(folder: Path | str) -> Project:
    """Returns the project that stands in a folder."""
    project = Project.__new__(Project)
    project.folder = Path(folder)
    return project


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """Puts a file system of a given size over a folder, and takes it away when the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def grow(folder: Path, kilobytes: int) -> None:
    """Gives a file system another size."""
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Takes the permission to write from a folder, also from the superuser."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def flip_a_byte(path: Path) -> None:
    """Damages a file without changing its size: in its middle, or in the first column of a table, which all read."""
    data = bytearray(path.read_bytes())
    data[60 if path.suffix == ".parquet" else len(data) // 2] ^= 0xFF
    path.unlink()
    path.write_bytes(bytes(data))
