"""The two doors as programs: what Snakemake and DVC are asked, and which files Snakemake knows."""

import csv
import os
import re
import shutil
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path

from ligature.errors import LigatureError

STATE = Path(".snakemake")
NAME_LIMIT = 254
"""Characters of a name in Snakemake's folder of records; longer ones are cut into folders that begin with @."""


def program(name: str) -> str:
    """Returns the path of a program of this environment, or of the PATH where this Python has none of its own.

    Raises:
        LigatureError: where it is not installed.
    """
    own = Path(sys.executable).parent / name
    found = str(own) if own.is_file() else shutil.which(name)
    if found is None:
        raise LigatureError(f"{name}: not installed; `make setup`, or install ligature[workflow]")
    return found


def environment() -> dict[str, str]:
    """Returns the environment of a question: the profile that runs jobs elsewhere has no part in it."""
    return {key: value for key, value in os.environ.items() if key != "SNAKEMAKE_PROFILE"}


def ask(*command: str) -> str:
    """Runs a command of this environment and returns what it printed.

    Raises:
        LigatureError: when it fails, with its last line.
    """
    line = [program(command[0]), *command[1:]]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment())
    if done.returncode:
        said = [text for text in (done.stdout + done.stderr).splitlines() if text.strip() and "profile" not in text]
        raise LigatureError(f"{' '.join(command[:2])} failed: {(said or ['no message'])[-1].strip()}")
    return done.stdout


def declared_files(*targets: str) -> list[dict[str, str]]:
    """Returns Snakemake's table of the files behind some targets, by default the whole study: output_file, plan, ….

    Raises:
        LigatureError: when Snakemake cannot be asked.
    """
    lines = ask("snakemake", *targets, "--summary", "--nolock", "--quiet", "all", "--cores", "1").splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("output_file\t")), None)
    if start is None:
        raise LigatureError(f"snakemake --summary gave no table: {' '.join(lines)[-200:] or 'nothing'}")
    return list(csv.DictReader(lines[start:], delimiter="\t"))


def pending_files() -> list[str]:
    """Returns the files of the study that Snakemake would make again, and those that are missing.

    Snakemake leaves a missing file alone when all that was made from it is up to date; DVC must not.
    """
    rows = declared_files()
    return [row["output_file"] for row in rows if row["plan"] != "no update" or not Path(row["output_file"]).exists()]


def jobs_left(targets: Sequence[str]) -> dict[str, int]:
    """Returns how many jobs of each rule Snakemake would run for some targets; none where all is up to date."""
    table = ask("snakemake", *targets, "--dry-run", "--nolock", "--cores", "1", "--quiet", "rules", "progress")
    rows = [re.fullmatch(r"(\w+) +(\d+)", line.strip()) for line in table.splitlines()]
    return {row[1]: int(row[2]) for row in rows if row and row[1] not in ("total", *targets)}


def bless(targets: Iterable[str]) -> None:
    """Has Snakemake take the files behind some targets for up to date, as they are; the caller has checked them.

    Without `--forceall` it would pass over files that are newer than what they were made from, and keep no record.

    Raises:
        LigatureError: while another Snakemake works here, or after one was killed.
    """
    if any(STATE.glob("locks/*")):
        raise LigatureError(f"{STATE}/locks: Snakemake is at work here; if it was killed, type `snakemake --unlock`")
    ask("snakemake", *targets, "--touch", "--forceall", "--no-hooks", "--cores", "1")


def is_recorded(file: Path, state: Path = STATE) -> bool:
    """Whether Snakemake knows how a file was made, or was making it when it was killed."""
    name = urlsafe_b64encode(str(file).encode()).decode()
    parts = [name[start : start + NAME_LIMIT] for start in range(0, len(name), NAME_LIMIT)]
    record = Path(*[f"@{part}" for part in parts[:-1]], parts[-1])
    return any((state / kind / record).exists() for kind in ("metadata", "incomplete"))


def recorded_files(state: Path = STATE) -> list[str]:
    """Returns the files that Snakemake has records of."""
    records = state / "metadata"
    parts = [path.relative_to(records).parts for path in records.rglob("*") if path.is_file()]
    return [urlsafe_b64decode("".join(part.removeprefix("@") for part in name)).decode() for name in parts]


def strange_folders(folders: Iterable[Path], state: Path = STATE) -> list[Path]:
    """Returns the folders that hold files of which Snakemake knows none, as after a bare `dvc pull`."""
    filled = [folder for folder in folders if any(path.is_file() for path in folder.rglob("*"))]
    recorded = recorded_files(state) if filled else []
    return [folder for folder in filled if not any(file.startswith(f"{folder}/") for file in recorded)]
