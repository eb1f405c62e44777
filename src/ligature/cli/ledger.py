"""What a study took: times from the workflow's benchmark files, operations from manifests and projectors."""

from pathlib import Path
from typing import Any

import pandas as pd

from ligature.errors import DataError
from ligature.store import Layout, Manifest, damage

LOGS = Path("logs")
JOB_COLUMNS = ["rule", "seconds", "cpu_seconds", "peak_memory_mib"]


def finished_jobs(folder: Path) -> pd.DataFrame:
    """Returns one row a job that left a benchmark file under ``folder``: its rule, seconds, CPU seconds and memory.

    Snakemake writes ``RULE.tsv`` or ``RULE/JOB.tsv``; a value that it could not measure is missing. Other tables, such
    as those of trackers, are left alone.

    Raises:
        DataError: naming a file that is no table.
    """
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        table = _read_table(path)
        if {"s", "cpu_time", "max_rss"} <= set(table.columns) and len(table):
            last = table.iloc[-1]
            rule = path.relative_to(folder).with_suffix("").parts[0]
            rows.append((rule, last["s"], last["cpu_time"], last["max_rss"]))
    return pd.DataFrame(rows, columns=JOB_COLUMNS).astype(dict.fromkeys(JOB_COLUMNS[1:], float))


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t", na_values=["-"])
    except ValueError as error:
        raise DataError(
            f"{path}: no table ({' '.join(str(error).split())}); remove it, or run its job again"
        ) from error


def counted_flops(layout: Layout) -> dict[str, float]:
    """Returns the floating point operations that were counted, by part of the study."""
    stores = (layout.root / "embeddings").rglob("manifest.json")
    found = {
        "encode": sum(Manifest.read(path.parent).flops for path in stores),
        "train": _trainings(layout.train),
        "pre-train": _trainings(layout.pretraining, "training.json"),
        "connect": _trainings(layout.captioning, "training.json"),
        "ablate": _trainings(layout.ablation) + _trainings(layout.sweep),
    }
    return {part: float(flops) for part, flops in found.items() if flops}


def _trainings(folder: Path, card: str = "projector.json") -> int:
    return sum(read_json(path).get("facts", {}).get("flops", 0) for path in folder.rglob(card))


def read_json(path: Path) -> dict[str, Any]:
    """Returns the object in a file of our own; an empty one where there is no file."""
    return damage.read_json(path) if path.is_file() else {}
