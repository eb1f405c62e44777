"""`ligature pull` and `ligature stage`: results that DVC brought are taken over by Snakemake, after a check."""

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.doors import (
    ask,
    bless,
    declared_files,
    environment,
    is_recorded,
    jobs_left,
    program,
    strange_folders,
)
from ligature.cli.stages import DEFINITION, PARAMETERS, Stage, above, changed_parameters, read_stages, recorded_stages
from ligature.errors import LigatureError
from ligature.progress import say

RemoteOption = Annotated[
    str | None, typer.Option("--remote", "-r", help="Remote of DVC; its default one where absent.")
]
JobsOption = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Files fetched at a time.")]
Differences = dict[str, str]


def pull(
    remote: RemoteOption = None,
    jobs: JobsOption = None,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Fetch the study's results with DVC, check them against dvc.lock, and have Snakemake take them over."""
    stages = open_checkout(params, results)
    if not Path(".git").exists():
        raise LigatureError(".git: missing here; `git clone` the project, since dvc.lock belongs to a commit")
    recorded = recorded_stages()
    names = [name for name in stages if name in recorded]
    if not names:
        raise LigatureError(
            "dvc.lock: records no stage of this study; run `snakemake`, or pull the commit that holds it"
        )
    lost, stale = differences(names)
    refuse(stale)
    if lost:
        fetch(names if len(names) < len(stages) else [], remote, jobs)
        lost, stale = differences(names)
        refuse(lost | stale)
    targets = [stages[name].target for name in names]
    say(f"checked against dvc.lock: {', '.join(names)}; Snakemake takes them over, ten files a second")
    bless(targets)
    report(targets, [name for name in stages if name not in recorded])


def stage(
    name: Annotated[str, typer.Argument(help="A stage of dvc.yaml.")],
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
) -> None:
    """Make one stage's files with Snakemake: what dvc.yaml runs.

    In a fresh copy Snakemake knows none of the files that DVC has put there. Those of the stages above are
    taken over; files of the stage itself are dropped, since DVC runs it because they are out of date.
    """
    stages = open_checkout(params, results)
    if name not in stages:
        raise LigatureError(f"{name}: no stage of dvc.yaml; choose one of {', '.join(stages)}")
    upstream = above(stages, name)
    strange = strange_folders(stages[one].folder for one in upstream)
    if strange:
        lost, stale = differences(upstream, upstream)
        refuse(lost | stale)
        bless(stages[one].target for one in upstream if stages[one].folder in strange)
    drop_strange_files(stages[name])
    stages[name].folder.mkdir(parents=True, exist_ok=True)
    os.execv(program("snakemake"), ["snakemake", stages[name].target])


def open_checkout(params: Path, results: Path) -> dict[str, Stage]:
    """Returns the stages of the study, in a checkout that both Git and DVC follow.

    Raises:
        LigatureError: where one of them is missing here, or for a study that `dvc.yaml` does not follow.
    """
    layout = open_layout(params, results)
    if not DEFINITION.is_file() or not Path(".dvc").is_dir():
        raise LigatureError("dvc.yaml: missing here, or `dvc init` was never run; go to the project's folder")
    if params.resolve() != PARAMETERS.resolve():
        raise LigatureError(f"{params}: dvc.yaml follows params.yaml only; copy the study there first")
    return read_stages(layout.study.study)


def differences(names: Sequence[str], targets: Sequence[str] = ()) -> tuple[Differences, Differences]:
    """Compares stages with `dvc.lock`: parameters, commands, and the content of every file.

    Args:
        names: the stages.
        targets: all that DVC may look at; everything where empty, which is several times faster than a list.

    Returns:
        One line with its remedy for everything that differs, by what it is: what is missing, and what is stale.
    """
    lost, stale = {}, {}
    status = json.loads(ask("dvc", "status", "--json", *targets))
    for name in names:
        for change in status.get(name, []):
            if isinstance(change, str):
                stale[name] = f"dvc.yaml: {change} of stage {name}; `git checkout dvc.yaml`, or `dvc repro {name}`"
                continue
            for kind, paths in change.items():
                for path, state in paths.items():
                    add_difference(lost, stale, name, kind, path, state)
    return lost, {path: line for path, line in stale.items() if path not in lost}


def add_difference(lost: Differences, stale: Differences, stage: str, kind: str, path: str, state: object) -> None:
    """Adds one entry of `dvc status` where it belongs."""
    if path == PARAMETERS.name:
        for key in changed_parameters(stage):
            remedy = f"take it back (`git checkout {path}`) and pull, then change it, or run `dvc repro`"
            stale[key] = f"{path}: {key} is not what dvc.lock records; {remedy}"
    elif state == "deleted":
        lost[path] = f"{path}: missing; `ligature pull` where the remote has it, else `dvc repro {stage}`"
    elif state == "not in cache":
        lost[path] = f"{path}: not in DVC's cache; `dvc commit {stage}` keeps it, `dvc fetch {stage}` brings it"
    elif kind == "changed outs":
        stale[path] = f"{path}: changed since it was recorded; `dvc checkout --force {path}`, or `dvc repro {stage}`"
    else:
        stale.setdefault(path, f"{path}: not what stage {stage} was made from; `dvc repro {stage}`")


def refuse(found: Differences) -> None:
    """Stops before Snakemake takes over what is missing or stale."""
    if found:
        raise LigatureError("\n".join(found.values()))


def fetch(names: Iterable[str], remote: str | None, jobs: int | None) -> None:
    """Has DVC fetch stages, all of them where none is named; the comparison that follows names what did not come."""
    known = [line.split()[0] for line in ask("dvc", "remote", "list").splitlines() if line.strip()]
    if not known:
        raise LigatureError("no remote to pull from; `dvc remote add --default NAME ADDRESS`")
    if remote is not None and remote not in known:
        raise LigatureError(f"--remote {remote}: unknown; choose one of {', '.join(known)}")
    options = [f"--remote={remote}"] * (remote is not None) + [f"--jobs={jobs}"] * (jobs is not None)
    subprocess.run([program("dvc"), "pull", *options, *names], check=False, env=environment())


def report(targets: Sequence[str], missing: Sequence[str]) -> None:
    """Says whether Snakemake has anything left to do, and which stages were never recorded."""
    left = jobs_left(targets)
    if left:
        jobs = ", ".join(f"{rule} ({count})" for rule, count in left.items())
        raise LigatureError(f"pulled, but this workflow needs more than was recorded: {jobs}; run `snakemake`")
    say("nothing to be done: Snakemake and DVC hold these results to be up to date")
    if missing:
        say(f"not recorded yet: {', '.join(missing)}; `snakemake` makes them")


def drop_strange_files(stage: Stage) -> None:
    """Removes declared files of a stage that Snakemake has no record of: it could not tell that they are stale."""
    if strange_folders([stage.folder]):
        for row in declared_files(stage.target):
            file = Path(row["output_file"])
            if file.is_relative_to(stage.folder) and not is_recorded(file):
                file.unlink(missing_ok=True)
