"""`ligature reproduce`: a published table or figure at the scale of a study, with the published one beside it."""

import re
import subprocess
import sys
from functools import reduce
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ligature.cli.context import PARAMS, open_layout
from ligature.errors import DataError, LigatureError, ParamsError
from ligature.reporting.reproduction import Target, comparison, find_target, targets_table
from ligature.store import Layout

DRY = {"-n", "--dry-run", "--dryrun"}


def reproduce(
    target: Annotated[str | None, typer.Argument(help="Table or figure, as --list names it.")] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- SNAKEMAKE_ARGUMENT...]", help="Passed on, for example -- --cores 4."),
    ] = None,
    study: Annotated[str, typer.Option(help="Study; mini is params.yaml, another stands in studies.")] = "mini",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what Snakemake would run.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the tables and figures, and what they cost.")] = False,
) -> None:
    """Run what a published table or figure takes, and print ours beside the published one."""
    if list_all or target is None:
        print(targets_table().markdown(), end="")
        return
    entry, file = find_target(target), study_file(study)
    layout = open_layout(file, Path("results"))
    require_block(entry, layout, file)
    if not Path("Snakefile").is_file():
        raise LigatureError("Snakefile: missing here; go to the project's folder")
    extra = [*(arguments or []), *(["-n"] if dry_run else [])]
    code = run_snakemake(entry, layout, file, extra)
    if code:
        raise typer.Exit(code)
    if not DRY & set(extra):
        print(measured_beside_published(entry, layout))


def study_file(study: str) -> Path:
    """Returns the file of a study.

    Raises:
        ParamsError: when there is none.
    """
    if study == "mini":
        return PARAMS
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", study):
        raise ParamsError(f"--study {study!r}: expected the name of a file in studies, without its ending")
    file = Path("studies") / f"{study}.yaml"
    if not file.is_file():
        raise ParamsError(f"{file}: not there yet; reproduce at the scale of --study mini, or write that study")
    return file


def require_block(target: Target, layout: Layout, file: Path) -> None:
    """Checks that a study has the block that a target is measured by.

    Raises:
        ParamsError: when it has not.
    """
    block = reduce(getattr, filter(None, target.needs.split(".")), layout.study)
    if block is None:
        raise ParamsError(f"{file}: has no block {target.needs}, which {target.target} is measured by; add it")


def run_snakemake(target: Target, layout: Layout, file: Path, extra: list[str]) -> int:
    """Runs Snakemake for the files of a target in this folder and returns its exit status.

    Raises:
        LigatureError: when Snakemake is not installed.
    """
    files = [str(layout.root / name) for name in target.files]
    if find_spec("snakemake") is None:
        raise LigatureError("snakemake: not installed; pip install 'ligature[workflow]'")
    command = [sys.executable, "-m", "snakemake", *files, *extra, "--config", f"params={file}"]
    code = subprocess.run(command, check=False).returncode
    return code if code >= 0 else 128 - code


def measured_beside_published(target: Target, layout: Layout) -> str:
    """Returns the measured figures of a target and the published ones as Markdown.

    Raises:
        DataError: when the file of the results is not there or is no table.
    """
    path = layout.root / target.result
    try:
        measured = pd.read_csv(path, dtype={"variant": str}).fillna({"variant": ""})
    except FileNotFoundError:
        raise DataError(f"{path}: missing, though Snakemake has ended well; run `ligature report` again") from None
    except ValueError as error:
        raise DataError(f"{path}: no table ({' '.join(str(error).split())[:80]}); remove it and run again") from error
    return comparison(target, measured, str(path))
