"""The plan of a study: jobs, hours and bytes by rule."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from math import ceil, nan

import pandas as pd

from ligature.errors import ParamsError
from ligature.planning.architectures import WEIGHT_BYTES
from ligature.planning.captioning_costs import language_size
from ligature.planning.costs import COSTS, cost_of
from ligature.planning.facts import Facts, UnknownFact
from ligature.planning.jobs import Job
from ligature.planning.tables import Tables
from ligature.planning.work import LOAD, START, Cost

COLUMNS = [
    "rule",
    "jobs",
    "unknown_jobs",
    "gpu_hours",
    "cpu_hours",
    "bytes_downloaded",
    "bytes_stored",
    "hours",
    "longest_job_hours",
]


@dataclass(frozen=True)
class Workers:
    """What a study runs on.

    Attributes:
        gpus: accelerators; without one, cores do their work.
        cores: CPU cores for all other jobs.
        cores_of_gpu: cores that a job on an accelerator has beside it.

    Raises:
        ParamsError: for no core, or fewer than no accelerator.
    """

    gpus: int = 1
    cores: int = 16
    cores_of_gpu: int = 8

    def __post_init__(self) -> None:
        """Checks the numbers."""
        if self.gpus < 0 or self.cores < 1 or self.cores_of_gpu < 1:
            raise ParamsError(
                f"{self.gpus} GPUs, {self.cores} cores, {self.cores_of_gpu} a GPU: give at least one core"
            )


@dataclass(frozen=True)
class StudyPlan:
    """A plan.

    Attributes:
        table: one row a rule, of ``COLUMNS``; ``hours`` are on all workers. Jobs of which something is not known are
            counted in ``unknown_jobs``; the row holds what is known of them, and NaN where that is nothing.
        unknown: what is missing in it, one line each.
        steps: every step that is counted, with its device and units.
        weights: bytes of the encoders and language models that come from a Hub, by source; of 4 a weight, although
            some are handed out in half precision.
    """

    table: pd.DataFrame
    unknown: list[str]
    steps: pd.DataFrame
    weights: dict[str, float]


@dataclass(frozen=True)
class _Hours:
    gpu: float
    cpu: float
    wall: float


def plan_study(facts: Facts, jobs: Iterable[Job], workers: Workers) -> StudyPlan:
    """Returns what all jobs of a study cost on given workers.

    A job on an accelerator holds it from its start to its end: after starting, the longer of what the accelerator
    computes and of what its cores do beside it. The training takes all accelerators at once. Other jobs have one core.
    """
    rows, units, unknown = {}, Counter(), {}
    for job in jobs:
        row = rows.setdefault(job.rule, dict.fromkeys(COLUMNS[1:], 0.0) | {"on_gpu": False})
        row["jobs"] += 1
        try:
            cost = cost_of(facts, job)
            hours = _hours(cost, facts.tables, workers, units)
        except UnknownFact as error:
            unknown[str(error)] = None
            row["unknown_jobs"] += 1
            continue
        row["unknown_jobs"] += bool(cost.unknown)
        unknown |= dict.fromkeys(cost.unknown)
        row["gpu_hours"] += hours.gpu
        row["cpu_hours"] += hours.cpu
        row["bytes_downloaded"] += cost.downloaded
        row["bytes_stored"] += cost.stored
        row["hours"] += hours.wall
        row["longest_job_hours"] = max(row["longest_job_hours"], hours.wall)
        row["on_gpu"] |= hours.gpu > 0
    weights = _weights(facts, unknown)
    return StudyPlan(_table(rows, workers), list(unknown), _steps(units, facts.tables), weights)


def _hours(cost: Cost, tables: Tables, workers: Workers, units: Counter) -> _Hours:
    seconds, starting, counted = {"cpu": 0.0, "gpu": 0.0}, 0.0, Counter()
    for step, amount in cost.works:
        device = "gpu" if cost.gpu and workers.gpus and (step, "gpu") in tables.rates else "cpu"
        if (step, device) not in tables.rates:
            path = tables.folder / "rates.csv"
            raise UnknownFact(f"step {step!r}: no rate on a {device} in {path}; add a row")
        taken = amount / tables.rates[step, device].per_second
        seconds[device] += taken
        starting += taken if (step, amount) in (START, LOAD) else 0.0
        counted[step, device] += amount
    units.update(counted)
    beside = (seconds["cpu"] - starting) / (workers.cores_of_gpu if seconds["gpu"] else 1)
    held = (starting + max(seconds["gpu"], beside)) / 3600
    wall = held / workers.gpus if cost.spread and seconds["gpu"] else held
    return _Hours(held if seconds["gpu"] else 0.0, seconds["cpu"] / 3600, wall)


def _table(rows: dict[str, dict], workers: Workers) -> pd.DataFrame:
    order = [*(rule for rule in COSTS if rule in rows), *(rule for rule in rows if rule not in COSTS)]
    for row in rows.values():
        at_once = min(workers.gpus if row["on_gpu"] else workers.cores, row["jobs"])
        row["hours"] = max(row["hours"] / row["jobs"] * ceil(row["jobs"] / at_once), row["longest_job_hours"])
    table = pd.DataFrame([{"rule": rule} | rows[rule] for rule in order], columns=COLUMNS)
    nothing = (table["unknown_jobs"] == table["jobs"]) & (table["cpu_hours"] == 0)
    table.loc[nothing, COLUMNS[3:]] = nan
    return table.astype({"jobs": int, "unknown_jobs": int})


def _steps(units: Counter, tables: Tables) -> pd.DataFrame:
    rows = [
        {"step": rate.step, "device": rate.device, "units": units[key], "unit": rate.unit}
        | {"units_per_second": rate.per_second, "source": rate.source}
        for key, rate in tables.rates.items()
        if key in units
    ]
    return pd.DataFrame(rows, columns=["step", "device", "units", "unit", "units_per_second", "source"])


def _weights(facts: Facts, unknown: dict[str, None]) -> dict[str, float]:
    """Returns the bytes of every encoder and language model from a Hub; an unknown one is noted."""
    captioning = facts.study.captioning
    encoders, languages = facts.study.encoders, captioning.languages if captioning else {}
    models = [(block.name, block.source, facts.architecture) for block in [*encoders.vision, *encoders.text]]
    models += [(name, block.source, partial(language_size, facts)) for name, block in languages.items()]
    sizes = {}
    for name, source, size in models:
        if source is None or source.startswith(("package:", "$", "/", ".", "{")):
            continue
        try:
            sizes[f"{source} ({name})"] = WEIGHT_BYTES * size(name).parameters
        except UnknownFact as error:
            unknown[str(error)] = None
    return sizes
