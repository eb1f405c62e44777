"""Runs every benchmark, or those named, prints one table and writes benchmarks/results/benchmarks.json.

Each row times the project's own path and a plain reference in the same run; the ratio is what counts, since seconds
depend on the machine and on what else it does. Exit status 1 when a ratio misses its target.
"""

import importlib
import json
import os
import platform
import sys
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "benchmarks.json"


def main(names: list[str]) -> int:
    """Runs the benchmarks called ``names``, or all."""
    import torch

    sys.path.insert(0, str(HERE))
    torch.set_num_threads(1)
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.exit(f"error: no benchmark {unknown[0]!r}; there are {', '.join(known)}")
    rows = []
    for name in names or known:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += [{"benchmark": name, **row.as_dict()} for row in importlib.import_module(f"bench_{name}").run()]
    print(table(rows))
    RESULTS.parent.mkdir(exist_ok=True)
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "torch": torch.__version__, "threads": 1}
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row["reached"] for row in rows) else 1


def table(rows: list[dict]) -> str:
    """Returns the rows as a Markdown table."""
    lines = ["| what | plain | ours | ratio | target | difference | note |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        mark = "" if row["reached"] else " **missed**"
        difference = "–" if row["difference"] is None else f"{row['difference']:.1e}"
        lines.append(
            f"| {row['name']} | {row['plain_seconds']:.3g} s | {row['fast_seconds']:.3g} s "
            f"| {row['ratio']:.3g}x{mark} | {row['target']:g}x | {difference} | {row['note']} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
