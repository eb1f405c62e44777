"""The account of compute: what every part of a study took, beside what was published and what that leaves out."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ligature.reporting.section import Section
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, listed, number

PARTS = {
    "data and encoders": ("world", "encoder", "fetch", "unpack"),
    "encode": ("embed",),
    "select": ("compare", "probe", "select"),
    "train": ("train",),
    "pre-train": ("pretrain",),
    "connect": ("language_model", "connect"),
    "curate": ("pool", "dedupe", "prototypes", "score", "merge", "curate", "download", "assemble"),
    "ablate": ("ablate", "ablation", "vary", "sweep"),
    "evaluate": (
        *("evaluate", "segment", "match_experiment", "matching", "gauge", "pretraining", "appraise", "captioning"),
        *("export", "report"),
    ),
}
"""Rules of the workflow by the part of the study that they belong to."""
COMPUTE_COLUMNS = ("part", "jobs", "wall_hours", "cpu_hours", "peak_memory_mib", "flops")
LEFT_OUT = (
    "The published 400 GPU-hours (8 A100 for about 50 hours) are the training of the projector with both encoders run "
    "at every step. They leave out the pretraining of the encoders, the embedding and scoring of LAION's captions, "
    "the trainings of about 44 pairs that CKA was validated on, and the ablations. 21,845 and 25,400 are conversions "
    "of V100 and A100 hours of whole contrastive trainings; their ratios to 400 are 54.6 and 63.5, and the published "
    "factor of 65 is neither."
)

NO_LOGS = "Left out: the logs of the workflow, which hold the times of its jobs, are not here."


def compute_table(jobs: pd.DataFrame, flops: Mapping[str, float]) -> pd.DataFrame:
    """Returns one row a part of the study with ``COMPUTE_COLUMNS``; a part that never ran has none.

    What none of a part's jobs could measure is missing, and not zero.

    Args:
        jobs: one row a finished job: ``rule``, ``seconds`` of the clock, ``cpu_seconds``, ``peak_memory_mib``.
        flops: floating point operations by part, where they were counted.
    """
    part_of_rule = {rule: part for part, rules in PARTS.items() for rule in rules}
    rows = []
    for part in PARTS:
        own = jobs[jobs["rule"].map(part_of_rule) == part]
        if len(own) or part in flops:
            wall, cpu = (own[column].sum(min_count=1) / 3600 for column in ("seconds", "cpu_seconds"))
            rows.append((part, len(own), wall, cpu, own["peak_memory_mib"].max(), flops.get(part)))
    table = pd.DataFrame(rows, columns=list(COMPUTE_COLUMNS))
    return table.astype(dict.fromkeys(COMPUTE_COLUMNS[2:], float))


def compute_section(table: pd.DataFrame, projector: Mapping[str, Any], run: Mapping[str, Any]) -> Section:
    """Returns the part of the page on compute.

    Args:
        table: of ``compute_table``.
        projector: ``projector.json``: facts that do not depend on the machine.
        run: the training's own account of time, waiting and energy; empty where there is none.
    """
    training = _training(projector.get("facts", {}), run)
    if table.empty:
        return Section("compute", "Compute", [NO_LOGS, *training])
    return Section("compute", "Compute", [_totals(table), *training, LEFT_OUT], tables=[_shown(table)])


def _totals(table: pd.DataFrame) -> str:
    counted = listed(table.loc[table["flops"].notna(), "part"]) or "no part"
    operations = f"Operations were counted for {counted}; the rest has none that are known."
    measured = table.dropna(subset=["cpu_hours"])
    if measured.empty:
        return f"{NO_LOGS} {operations}"
    dearest, cpu = measured.loc[measured["cpu_hours"].idxmax()], measured["cpu_hours"].sum()
    share = dearest["cpu_hours"] / cpu if cpu else 0.0
    return (
        f"All finished jobs together took {number(cpu)} CPU hours; the dearest part is “{dearest['part']}” with "
        f"{share:.0%} of them. {operations} Jobs that ran again count once, with their last run."
    )


def _training(facts: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
    sentences = []
    if facts.get("samples_seen"):
        flops = f" and {facts['flops']:.3g} floating point operations" if facts.get("flops") else ""
        sentences.append(
            f"The projector has {facts['trainable_parameters']:,} trainable parameters; its training saw "
            f"{facts['samples_seen']:,} pairs{flops}."
        )
    if run.get("seconds"):
        sentences.append(
            f"It ran for {run['seconds']:,.1f} s on {bounded(run['device'])} ({run['processes']} "
            f"{'process' if run['processes'] == 1 else 'processes'}, {bounded(run['precision'])}), at "
            f"{run['samples_per_second']:,.0f} pairs/s, {run['share_waiting_for_data']:.1%} of it waiting for data; "
            f"{_energy(run)}."
        )
    return [" ".join(sentences)] if sentences else []


def _energy(run: Mapping[str, Any]) -> str:
    readings = {"the processors": run.get("cpu_energy_joules"), "the GPUs": run.get("gpu_energy_joules")}
    told = [f"{who} took {joules:,.0f} J" for who, joules in readings.items() if joules is not None]
    return " and ".join(told) or "the machine does not tell its energy"


def _shown(table: pd.DataFrame) -> Table:
    return Table(
        name="compute",
        caption="What every part of the study took: sums over its finished jobs.",
        data=table,
        header=["part", "jobs", "hours of the clock", "CPU hours", "largest job, MiB", "operations"],
        rows=[
            (
                row.part,
                f"{row.jobs:,}",
                number(row.wall_hours),
                number(row.cpu_hours),
                NOTHING if pd.isna(row.peak_memory_mib) else f"{row.peak_memory_mib:,.0f}",
                NOTHING if pd.isna(row.flops) else f"{row.flops:.3g}",
            )
            for row in table.itertuples()
        ],
    )
