"""What `ligature plan` does: the jobs of a study from Snakemake, with nothing made yet, and what they cost."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from ligature.data.remote import Source
from ligature.data.remote.resources import find_files, table_of_sources
from ligature.errors import LigatureError, ParamsError
from ligature.params import Study
from ligature.params.pairs import PairChoice
from ligature.planning import COSTS, Facts, Job, Workers, plan_study, plan_text, read_jobs, read_tables
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_text


def plan_whole_study(
    layout: Layout,
    workers: Workers,
    *,
    pair: str | None,
    given: Mapping[str, float],
    rows: Mapping[str, float],
    resources: Path,
) -> str:
    """Plans a study, writes `plan/study.csv` and `plan/study.md`, and returns the latter.

    Args:
        layout: of the study.
        workers: what it runs on.
        pair: `VISION,TEXT` where the study leaves the choice to discovery.
        given: rates and quantities in place of the declared ones.
        rows: rows of data sets and sources, by name.
        resources: folder of the declared numbers.
    """
    choice = _choice(layout.study, pair)
    tables = read_tables(resources, _known_rows(layout.study, rows)).given(given)
    facts = Facts(layout.study, choice.vision, choice.text, tables, _sources(layout.study))
    plan = plan_study(facts, study_jobs(layout.study, choice), workers)
    text = plan_text(plan, facts, workers)
    write_csv(layout.root / "plan" / "study.csv", plan.table)
    write_text(layout.root / "plan" / "study.md", text)
    return text


def study_jobs(study: Study, choice: PairChoice) -> list[Job]:
    """Returns all jobs of a study whose pair is ``choice``, as if nothing had been made.

    Raises:
        LigatureError: when Snakemake cannot be asked.
    """
    if not Path("Snakefile").is_file():
        raise LigatureError("Snakefile: missing here; go to the project's folder")
    fixed = study.model_copy(update={"pairs": study.pairs.model_copy(update={"choose": choice})})
    with TemporaryDirectory(prefix="ligature-plan-") as folder:
        path = Path(folder, "study.yaml")
        write_text(path, yaml.safe_dump(fixed.model_dump(mode="json")))
        return read_jobs(_summary(path), {rule: cost.pattern for rule, cost in COSTS.items()})


def _summary(study: Path) -> str:
    """Returns Snakemake's table of all files of a study, asked for in the empty folder of the study file."""
    program = Path(sys.executable).parent / "snakemake"
    options = [
        "--summary",
        "--nolock",
        "--quiet",
        "all",
        "--cores",
        "1",
        "--snakefile",
        str(Path("Snakefile").resolve()),
    ]
    command = [str(program), *options, "--directory", str(study.parent), "--config", f"params={study}"]
    table = str(table_of_sources().resolve())
    empty = os.environ | {"LIGATURE_DATA": str(study.parent / "data"), "LIGATURE_SOURCES": table}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=empty)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise LigatureError(f"snakemake --summary failed: {last[0].strip()}")
    return done.stdout


def _choice(study: Study, pair: str | None) -> PairChoice:
    """Returns the pair of the study, the one asked for, or the last encoder of either list."""
    if study.pairs.choose:
        return study.pairs.choose
    compared_vision, compared_text = study.compared
    vision, _, text = (pair or f"{compared_vision[-1]},{compared_text[-1]}").partition(",")
    for name, side, known in (("vision", vision, compared_vision), ("text", text, compared_text)):
        if side not in known:
            raise ParamsError(f"--pair {pair}: unknown {name} encoder {side!r}; write VISION,TEXT")
    return PairChoice(vision=vision, text=text)


def _known_rows(study: Study, rows: Mapping[str, float]) -> dict[str, int]:
    for name, number in rows.items():
        if name not in {*study.datasets, *study.sources}:
            raise ParamsError(f"--rows {name}: neither a data set nor a source of the study")
        if not (number >= 1 and number == int(number)):
            raise ParamsError(f"--rows {name}={number}: give a whole number above 0")
    return {name: int(number) for name, number in rows.items()}


def _sources(study: Study) -> dict[str, Sequence[Source]]:
    keys = [key for block in study.datasets.values() for key in block.resources]
    keys += [source.resource for source in study.sources.values() if source.resource]
    return {key: find_files(table_of_sources(), key) for key in dict.fromkeys(keys)}
