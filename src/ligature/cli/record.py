"""`ligature record`: DVC is told what Snakemake made; the one writer of `dvc.lock`."""

import csv
import subprocess
import sys
from pathlib import Path

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.errors import LigatureError
from ligature.progress import say
from ligature.store import Layout


def record(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Record in dvc.lock every stage whose files Snakemake holds to be up to date; the others are named."""
    layout = open_layout(params, results)
    if not Path("dvc.yaml").is_file() or not Path(".dvc").is_dir():
        raise LigatureError("dvc.yaml: missing here, or `dvc init` was never run; go to the project's folder")
    if params.resolve() != Path("params.yaml").resolve():
        say(f"{params}: dvc.yaml follows params.yaml; the results of other studies are not recorded")
        return
    pending = pending_files()
    ready, waiting = [], []
    for stage, (folder, *needed) in stage_folders(layout).items():
        stale = any(Path(file).is_relative_to(folder) for file in pending)
        if stale or not all(path.exists() for path in needed):
            waiting.append(stage)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            ready.append(stage)
    if ready:
        _run(["dvc", "commit", "--force", *ready])
        say(f"recorded in dvc.lock: {', '.join(ready)}")
    if waiting:
        say(f"not recorded, since not up to date: {', '.join(waiting)}; run snakemake first")


def stage_folders(layout: Layout) -> dict[str, list[Path]]:
    """Returns for every stage of dvc.yaml, in order, the folder that it makes and then those that it needs."""
    import yaml

    stages = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
    folders = {name: [next(iter(stage["outs"][0])), *stage.get("deps", [])] for name, stage in stages.items()}
    return {
        name: [Path(path.replace("${study}", layout.study.study)) for path in paths] for name, paths in folders.items()
    }


def pending_files() -> list[str]:
    """Returns the files of the study that Snakemake would make again, and those that are missing.

    Snakemake leaves a missing file alone when all that was made from it is up to date; DVC must not.

    Raises:
        LigatureError: when Snakemake cannot be asked.
    """
    summary = _run(["snakemake", "--summary", "--nolock", "--quiet", "all", "--cores", "1"])
    lines = summary.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("output_file\t")), None)
    if start is None:
        raise LigatureError(f"snakemake --summary gave no table: {summary.strip()[-200:] or 'nothing'}")
    rows = csv.DictReader(lines[start:], delimiter="\t")
    return [row["output_file"] for row in rows if row["plan"] != "no update" or not Path(row["output_file"]).exists()]


def _run(command: list[str]) -> str:
    """Runs a command of this environment and returns what it printed."""
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([str(program), *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise LigatureError(f"{' '.join(command[:2])} failed: {last[0]}")
    return done.stdout
