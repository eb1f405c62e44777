"""A plan as Markdown: the table by rule, the sums, what it rests on, and what has to be asked for."""

from collections.abc import Sequence
from math import isnan
from typing import Any

from ligature.curation.plan import amount
from ligature.data.remote import Source
from ligature.planning.facts import Facts
from ligature.planning.total import StudyPlan, Workers
from ligature.progress import duration


def plan_text(plan: StudyPlan, facts: Facts, workers: Workers) -> str:
    """Returns a plan as Markdown."""
    sections = [
        _head(facts, workers),
        _rules(plan),
        _sums(plan),
        _unknown(plan.unknown),
        "Rates:\n\n" + _steps(plan),
        "Quantities:\n\n" + _quantities(facts),
        _resources(facts, plan),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(facts: Facts, workers: Workers) -> str:
    fixed = facts.study.pairs.choose is not None
    why = "fixed by the study" if fixed else "assumed, since discovery chooses it; --pair VISION,TEXT assumes another"
    return (
        f"Study {facts.study.study}, with nothing made yet. Pair: {facts.vision} and {facts.text} ({why}). "
        f"Workers: {workers.gpus} GPUs with {workers.cores_of_gpu} cores each, {workers.cores} cores for other jobs. "
        "The training takes all GPUs at once, every other job one."
    )


def _rules(plan: StudyPlan) -> str:
    header = ["rule", "jobs", "GPU-hours", "CPU-hours", "downloaded", "stored", "all workers", "longest job"]
    return _table(header, [_rule(row) for row in plan.table.to_dict("records")])


def _rule(row: dict[str, Any]) -> list[str]:
    """Returns the cells of a rule; where some of its jobs are not known, the others' sum is a lower bound."""
    if isnan(row["cpu_hours"]):
        return [row["rule"], f"{row['jobs']:,}", *["unknown"] * 6]
    cells = [
        _hours(row["gpu_hours"]),
        _hours(row["cpu_hours"]),
        f"{amount(row['bytes_downloaded'])}B",
        f"{amount(row['bytes_stored'])}B",
        duration(row["hours"] * 3600),
        duration(row["longest_job_hours"] * 3600),
    ]
    above = "above " if row["unknown_jobs"] else ""
    return [row["rule"], f"{row['jobs']:,}", *(f"{above}{cell}" for cell in cells)]


def _sums(plan: StudyPlan) -> str:
    total = plan.table.drop(columns="rule").sum()
    weights = sum(plan.weights.values())
    without = " What is not known is not in these sums; see below." if plan.unknown else ""
    return (
        f"In all: {total['jobs']:,.0f} jobs, {_hours(total['gpu_hours'])} GPU-hours, {_hours(total['cpu_hours'])} "
        f"CPU-hours, {amount(total['bytes_downloaded'] + weights)}B downloaded ({amount(weights)}B of it models), "
        f"{amount(total['bytes_stored'] + weights)}B stored. Rule after rule on these workers: "
        f"{duration(total['hours'] * 3600)}.{without}"
    )


def _unknown(lines: Sequence[str]) -> str:
    return "Not known, and not in these sums:\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""


def _steps(plan: StudyPlan) -> str:
    lines = [
        [
            row["step"],
            row["device"],
            f"{amount(row['units'])} {row['unit']}",
            f"{amount(row['units_per_second'])} {row['unit']}/s",
            row["source"],
        ]
        for row in plan.steps.to_dict("records")
    ]
    return _table(["step", "device", "work", "rate of one", "source"], lines)


def _quantities(facts: Facts) -> str:
    lines = [
        [name, f"{entry.value:g} {entry.unit}".strip(), entry.source] for name, entry in facts.tables.quantities.items()
    ]
    return _table(["quantity", "value", "source"], lines)


def _resources(facts: Facts, plan: StudyPlan) -> str:
    """Returns the public data and models that are fetched; access to gated ones comes first."""
    firsts = [rows[0] for rows in facts.sources.values() if rows]
    lines = [f"- ask for access to {row.key} at {row.home}" for row in firsts if _gated(facts.sources[row.key])]
    lines += [f"- {row.key}: {row.licence}; {row.home}" for row in firsts]
    lines += [f"- model {name}: {amount(size)}B" for name, size in plan.weights.items()]
    return "Public data and models:\n\n" + "\n".join(lines) if lines else ""


def _gated(rows: Sequence[Source]) -> bool:
    return any(row.gated for row in rows)


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(
        f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )
