"""What curating a large pool costs: units of work, hours and bytes of every step, from rates and a scale."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, nan
from typing import Any

import pandas as pd

from ligature.curation.scale import UNITS, Rates, Scale
from ligature.progress import duration

VECTOR_VALUE_BYTES = 2
ENTRY_BYTES = 12
CHOICE_BYTES = 8
"""Concept and score of a selected row."""

COLUMNS = [
    "step",
    "unit",
    "units",
    "units_per_second_per_worker",
    "hours_one_worker",
    "hours_all_jobs",
    "jobs",
    "bytes_written",
    "bytes_read",
    "measured",
    "note",
]


@dataclass(frozen=True)
class _Work:
    """The work of one step; ``busiest`` gives the units of the busiest of so many workers."""

    step: str
    units: float
    bytes_read: float
    bytes_written: float
    note: str
    busiest: Callable[[int], float]
    parallel: bool = True


def scoring_flop(captions: int, concepts: int, dims: int) -> float:
    """Returns the floating-point operations of all cosines between captions and concepts, 2 N C d."""
    return 2.0 * captions * concepts * dims


def merge_levels(states: int, fan_in: int) -> list[tuple[int, int]]:
    """Returns states read and states written of every level of a tree of merges, leaves first."""
    levels = []
    while states > 1:
        levels.append((states, ceil(states / fan_in)))
        states = levels[-1][1]
    return levels


def _shared(step: str, units: float, read: float, written: float, note: str) -> _Work:
    return _Work(step, units, read, written, note, lambda workers: units / workers)


def _pool_works(scale: Scale) -> list[_Work]:
    pool = scale.captions * scale.row_bytes
    text = scale.captions * scale.mean_caption_characters
    vectors = float(scale.captions * scale.dims * VECTOR_VALUE_BYTES)
    states = float(scale.jobs * scale.state_entries * ENTRY_BYTES)
    flop = scoring_flop(scale.captions, scale.concepts, scale.dims)
    return [
        _shared("read metadata", scale.captions, pool, pool, "text as it is; compressed files are smaller"),
        _shared("embed captions", scale.captions, text, vectors, "holds for one encoder and one length of captions"),
        _shared("score", flop, vectors, states, "2 N C d; one state a job; no matrix of scores is stored"),
    ]


def _merge_work(scale: Scale) -> _Work:
    """Every level waits for the one before it, and a merge has one worker."""
    levels, entries = merge_levels(scale.jobs, scale.fan_in), scale.state_entries
    read = sum(states for states, _ in levels) * entries
    written = sum(merged for _, merged in levels) * entries

    def busiest(workers: int) -> float:
        return sum(min(states, ceil(merged / workers) * scale.fan_in) for states, merged in levels) * entries

    note = f"{len(levels)} levels, {scale.fan_in} states a merge"
    return _Work("merge states", read, read * ENTRY_BYTES, written * ENTRY_BYTES, note, busiest)


def _row_works(scale: Scale) -> list[_Work]:
    entries, selected, wanted = scale.state_entries, scale.selected_rows, scale.wanted_rows
    read = entries * ENTRY_BYTES + scale.captions * scale.row_bytes
    written = selected * (scale.row_bytes + CHOICE_BYTES)
    images = selected * scale.mean_image_bytes
    kept = wanted * scale.mean_image_bytes
    packed = wanted * (scale.mean_image_bytes + scale.mean_caption_characters)
    asked = f"{selected / wanted:.3g} times the rows wanted; bytes as if every link answered; network not counted"
    return [
        _Work("select", entries, read, written, "one worker; the pool is read once more", lambda _: entries, False),
        _shared("download", selected, images, images, asked),
        _shared("pack", wanted, kept, packed, "if as many images arrive as were wanted"),
    ]


def plan_curation(rates: Rates, scale: Scale) -> pd.DataFrame:
    """Returns what every step of a curation costs, one row a step.

    Args:
        rates: measured, and given in their place.
        scale: of the curation.

    Returns:
        The columns ``COLUMNS``. Hours are NaN where no rate is known; ``hours_all_jobs`` is the time of the busiest
        of ``jobs`` workers; ``measured`` is ``yes`` for measured rates only, else ``no``.
    """
    works = [*_pool_works(scale), _merge_work(scale), *_row_works(scale)]
    return pd.DataFrame([_row(work, rates, scale) for work in works], columns=COLUMNS)


def _row(work: _Work, rates: Rates, scale: Scale) -> dict[str, Any]:
    given = rates.given.get(work.step)
    measured = given is None and work.step in rates.measured
    per_second = given.per_second if given else rates.measured.get(work.step, nan)
    jobs = (given.workers if given else scale.jobs) if work.parallel else 1
    if given:
        origin = f"given for {given.worker}"
    else:
        origin = f"measured on {rates.worker}" if measured else "no rate: measure it or give one"
    return {
        "step": work.step,
        "unit": UNITS[work.step],
        "units": float(work.units),
        "units_per_second_per_worker": per_second,
        "hours_one_worker": work.units / per_second / 3600,
        "hours_all_jobs": work.busiest(jobs) / per_second / 3600,
        "jobs": jobs,
        "bytes_written": float(work.bytes_written),
        "bytes_read": float(work.bytes_read),
        "measured": "yes" if measured else "no",
        "note": f"{origin}; {work.note}",
    }


def plan_text(plan: pd.DataFrame, scale: Scale) -> str:
    """Returns a plan as Markdown: what it is for, a table, and the sums over the steps whose rate is known."""
    header = [
        "step",
        "work",
        "rate of a worker",
        "one worker",
        "all jobs",
        "jobs",
        "written",
        "read",
        "measured",
        "note",
    ]
    lines = [header, ["---", *["---:"] * 7, "---", "---"], *(_cells(row) for row in plan.to_dict("records"))]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    known = plan[plan["hours_one_worker"].notna()]
    one, shared = (duration(known[column].sum() * 3600) for column in ("hours_one_worker", "hours_all_jobs"))
    unknown = [step for step in plan["step"] if step not in set(known["step"])]
    without = f" Without a rate, and not in these sums: {', '.join(unknown)}." if unknown else ""
    return (
        f"{scale.captions:,} captions, {scale.concepts:,} concepts, {scale.dims:,} dims, the {scale.k:,} best "
        f"of each, {scale.quota:,} rows each, {scale.over_collect:g} times that selected.\n\n{table}\n"
        f"One step after the other: {one} on one worker, {shared} on all jobs if none slows another down; "
        f"{amount(plan['bytes_written'].sum())}B are written and {amount(plan['bytes_read'].sum())}B read.{without}\n"
    )


def _cells(row: dict[str, Any]) -> list[str]:
    per_second = row["units_per_second_per_worker"]
    hours = [row["hours_one_worker"], row["hours_all_jobs"]]
    cells = [
        row["step"],
        f"{amount(row['units'])} {row['unit']}",
        "unknown" if pd.isna(per_second) else f"{amount(per_second)} {row['unit']}/s",
        *("unknown" if pd.isna(value) else duration(value * 3600) for value in hours),
        str(row["jobs"]),
        f"{amount(row['bytes_written'])}B",
        f"{amount(row['bytes_read'])}B",
        row["measured"],
        row["note"],
    ]
    return [" ".join(cell.split()).replace("|", "\\|") for cell in cells]


def amount(value: float) -> str:
    """Returns a number with three digits and a decimal prefix, ready for a unit: ``1.27 T``."""
    for prefix in ("", "k", "M", "G", "T", "P"):
        if value < 999.5:
            return f"{value:.3g} {prefix}"
        value /= 1000
    return f"{value:,.3g} E"
