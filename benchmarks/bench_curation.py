"""Scoring a pool of captions and choosing balanced rows, against a pipeline that stores and sorts all scores.

Seconds are CPU seconds (time.process_time) on one thread. The fused pass runs in a process of its own, which reads the
embeddings from disk as a stream, so that its peak memory is that of the pass. The plain pipeline, as published, writes
int8 scores a batch, sorts state and block a column, and collects greedily in Python; its clip, which overwrites
whole batches, is mended. An even slice of the concepts is timed and scaled; reading and normalising the embeddings,
which does not depend on their number, is timed apart and counted once. Of two runs the shorter counts, on both sides.
Before each a process touches 2 GB of memory and ends: on a virtual machine the first use of a page costs as much as
computing with it, and belongs to no algorithm.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness import Row

RESULTS = Path(__file__).parent / "results"
ROWS, CONCEPTS, WIDTH, KEPT, QUOTA = 200_000, 2_754, 512, 20_000, 2_000
SLICE = slice(0, None, 27)  # 102 of 2,754 concepts
BATCH, BLOCK = 4_096, 65_536
GROWTH, GROWTH_CONCEPTS, GROWTH_WIDTH, GROWTH_KEPT = (100_000, 200_000, 400_000, 800_000), 512, 128, 2_000
ROUNDING = 1e-6  # a row whose exact score misses the k-th best by no more counts as found


def prototypes(concepts: int, width: int) -> np.ndarray:
    """Returns unit prototypes around 50 themes: [concepts, width] float32."""
    rng = np.random.default_rng(0)
    themes, own = rng.standard_normal((50, width)), rng.standard_normal((concepts, width))
    return unit(themes[rng.integers(0, 50, concepts)] + own).astype(np.float32)


def captions(centres: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    """Yields batches of unit embeddings [n, width] float16 around centres of uneven frequency."""
    frequency = 1 / np.arange(1, len(centres) + 1)
    for start in range(0, rows, BATCH):
        rng = np.random.default_rng((1, start))
        count = min(BATCH, rows - start)
        noise = rng.standard_normal((count, centres.shape[1]), dtype=np.float32) / centres.shape[1] ** 0.5
        own = centres[rng.choice(len(centres), count, p=frequency / frequency.sum())]
        yield unit(0.6 * own + noise).astype(np.float16)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def uids(start: int, count: int) -> np.ndarray:
    """Returns distinct uids without order, as hashes are."""
    return np.arange(start, start + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def cpu_seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def shorter(function: Callable[[], Any]) -> tuple[float, Any]:
    """Returns the CPU seconds of the shorter of two runs, and what the last returned."""
    apart("touch")
    first = cpu_seconds(lambda: function() is None)[0]
    apart("touch")
    second, result = cpu_seconds(function)
    return min(first, second), result


def peak_mebibytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def stored(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields uids and embeddings from a file of float16 rows."""
    for start in range(0, ROWS, BATCH):
        rows = np.fromfile(path, np.float16, min(BATCH, ROWS - start) * WIDTH, offset=2 * start * WIDTH)
        yield uids(start, len(rows) // WIDTH), rows.reshape(-1, WIDTH)


def bare_product(path: Path) -> float:
    """Returns the seconds of the float32 products of all rows and concepts alone, in tiles of 8,192 rows."""
    concepts = prototypes(CONCEPTS, WIDTH)
    rows = np.concatenate([unit(batch.astype(np.float32)) for _, batch in stored(path)])
    scores = np.empty((CONCEPTS, 8_192), np.float32)

    def products() -> None:
        for start in range(0, ROWS, 8_192):
            tile = rows[start : start + 8_192]
            np.matmul(concepts, tile.T, out=scores[:, : len(tile)])

    return shorter(products)[0]


def fused_pass(folder: Path) -> dict[str, float]:
    """Scores, selects and measures; leaves the state in ``folder``."""
    from ligature.curation import select, top_k

    concepts = prototypes(CONCEPTS, WIDTH)
    before = peak_mebibytes()
    score_seconds, state = shorter(lambda: top_k(stored(folder / "rows"), concepts, KEPT))
    peak = peak_mebibytes()
    select_seconds, chosen = shorter(lambda: select(state, QUOTA))
    facts = {"score": score_seconds, "select": select_seconds, "peak": peak, "before": before, "chosen": len(chosen)}
    facts["whole_peak"] = peak_mebibytes()
    np.save(folder / "found.npy", state.uids[SLICE])
    return facts | {"bare": bare_product(folder / "rows")}


def growth_pass(rows: int) -> dict[str, float]:
    """Scores ``rows`` captions made on the fly; the time of making them is left out."""
    from ligature.curation import top_k

    centres = prototypes(GROWTH_CONCEPTS, GROWTH_WIDTH)
    batches = ((uids(at * BATCH, len(batch)), batch) for at, batch in enumerate(captions(centres, rows)))
    making, _ = cpu_seconds(lambda: [None for _ in captions(centres, rows)])
    seconds, _ = cpu_seconds(lambda: top_k(batches, centres, GROWTH_KEPT))
    return {"rows": rows, "seconds": seconds - making, "peak": peak_mebibytes()}


def apart(*arguments: str) -> dict[str, float]:
    """Runs this file with ``arguments`` in a process of its own with one thread, and returns its facts."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | one)
    return json.loads(done.stdout)


def normalised(rows: np.ndarray) -> Any:
    """Returns float16 rows at unit length as a tensor."""
    import torch

    return torch.nn.functional.normalize(torch.from_numpy(rows))


def plain_scores(folder: Path, concepts: np.ndarray) -> list[Path]:
    """Writes quantised float16 scores, a file of int8 a batch, and returns the files."""
    import torch

    side, files = normalised(concepts.astype(np.float16)), []
    for number, (_, rows) in enumerate(stored(folder / "rows")):
        scores = normalised(rows) @ side.T
        affine = (scores.clamp(-0.3, 0.4) + 0.3) / 0.7 * 2 - 1
        files.append(folder / f"scores_{number}.npy")
        np.save(files[-1], (affine * 128).clamp(-128, 127).to(torch.int8).numpy())
    return files


def plain_top_k(files: list[Path], concepts: int) -> tuple[Any, Any]:
    """Sorts state and block in every column, block by block: [K, C] scores and row numbers, as float64."""
    import torch

    scores, numbers, seen = torch.empty(0, concepts), torch.empty(0, concepts, dtype=torch.float64), 0
    for at in range(0, len(files), BLOCK // BATCH):
        block = torch.from_numpy(np.concatenate([np.load(file) for file in files[at : at + BLOCK // BATCH]])) / 128
        rows = torch.arange(seen, seen + len(block), dtype=torch.float64)[:, None].expand(-1, concepts)
        seen += len(block)
        scores, order = torch.cat([scores, block]).sort(dim=0, descending=True)
        scores, numbers = scores[:KEPT], torch.cat([numbers, rows]).gather(0, order[:KEPT])
    return scores, numbers


def plain_collect(scores: Any, numbers: Any) -> int:
    """Takes rows greedily, concepts with the lowest last score first; returns how many."""
    taken = set()
    for concept in scores[-1].argsort().tolist():
        left = QUOTA
        for number in numbers[:, concept].tolist():
            if left and number not in taken:
                taken.add(number)
                left -= 1
    return len(taken)


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    """Returns the share of row numbers [C, K] whose exact scores [C, n] are among the K best."""
    lowest = np.partition(exact, -KEPT, axis=1)[:, -KEPT, None]
    return float((np.take_along_axis(exact, found, axis=1) >= lowest - ROUNDING).mean())


def run() -> list[Row]:
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
            return [*_pool(Path(folder)), _growth()]
    finally:
        torch.set_num_threads(threads)


def _pool(folder: Path) -> list[Row]:
    centres = prototypes(CONCEPTS, WIDTH)
    with (folder / "rows").open("wb") as file:
        for batch in captions(centres, ROWS):
            batch.tofile(file)
    fused = apart("pool", str(folder))
    concepts = centres[SLICE]
    scale = CONCEPTS / len(concepts)
    once, _ = shorter(lambda: [normalised(rows) for _, rows in stored(folder / "rows")])
    slice_seconds, (numbers, written) = shorter(lambda: _plain(folder, concepts))
    plain_seconds = once + (slice_seconds - once) * scale
    exact_concepts = unit(concepts.astype(np.float64)).T
    exact = np.concatenate([unit(rows.astype(np.float64)) @ exact_concepts for _, rows in stored(folder / "rows")]).T
    every = uids(0, ROWS)
    order = np.argsort(every)
    ours = order[np.searchsorted(every[order], np.load(folder / "found.npy"))]
    mine, theirs = recall(ours, exact), recall(numbers.numpy().T.astype(np.int64), exact)
    size = f"{ROWS:,} captions x {CONCEPTS:,} concepts x {WIDTH} dims, K = {KEPT:,}, CPU seconds, one thread"
    note = (
        f"{size}, quota {QUOTA:,} (selection {fused['select']:.1f} s); plain: timed on {len(concepts)} concepts and "
        f"scaled by {scale:g}; recall {mine:.6f}, plain {theirs:.4f}; scores on disk 0 bytes, plain "
        f"{written * scale / 1e6:.0f} MB; peak memory {fused['peak']:.0f} MiB scoring and "
        f"{fused['whole_peak']:.0f} MiB with selection, {fused['before']:.0f} MiB of them before the pass"
    )
    floor = (
        f"{size}; plain: the bare float32 product of the same shapes; "
        f"the pass takes {fused['score'] / fused['bare']:.2f} x as long"
    )
    seconds = fused["score"] + fused["select"]
    return [
        Row("curation: scores, K best and quota", plain_seconds, seconds, 10, 1 - mine, note),
        Row("curation: fused pass over bare product", fused["bare"], fused["score"], round(1 / 1.5, 3), None, floor),
    ]


def _plain(folder: Path, concepts: np.ndarray) -> tuple[Any, int]:
    files = plain_scores(folder, concepts)
    scores, numbers = plain_top_k(files, len(concepts))
    plain_collect(scores, numbers)
    return numbers, sum(file.stat().st_size for file in files)


def _growth() -> Row:
    facts = [apart("growth", str(rows)) for rows in GROWTH]
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "curation_growth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["rows", "seconds", "peak_mebibytes"], lineterminator="\n")
        table.writeheader()
        for fact in facts:
            table.writerow(
                {"rows": fact["rows"], "seconds": f"{fact['seconds']:.3f}", "peak_mebibytes": f"{fact['peak']:.0f}"}
            )
    _draw(facts, RESULTS / "curation_growth.png")
    peaks = ", ".join(f"{fact['peak']:.0f}" for fact in facts)
    note = (
        f"{GROWTH[0]:,} to {GROWTH[-1]:,} captions x {GROWTH_CONCEPTS} concepts x {GROWTH_WIDTH} dims, K = "
        f"{GROWTH_KEPT:,}; plain: the time of the smallest pool times {GROWTH[-1] // GROWTH[0]}; "
        f"peak memory {peaks} MiB"
    )
    linear = facts[0]["seconds"] * GROWTH[-1] / GROWTH[0]
    return Row("curation: growth against linear", linear, facts[-1]["seconds"], 0.9, None, note)


def _draw(facts: list[dict[str, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows, seconds, peaks = ([fact[name] for fact in facts] for name in ("rows", "seconds", "peak"))
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    left.plot(rows, seconds, "o-", label="measured")
    left.plot(rows, [seconds[0] * n / rows[0] for n in rows], "--", label="linear in the smallest")
    left.set(xlabel="captions", ylabel="CPU seconds", ylim=(0, None))
    left.legend()
    right.plot(rows, peaks, "o-")
    right.set(xlabel="captions", ylabel="peak memory, MiB", ylim=(0, 1.2 * max(peaks)))
    figure.savefig(path, dpi=150, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    if sys.argv[1:2] == ["pool"]:
        print(json.dumps(fused_pass(Path(sys.argv[2]))))
    elif sys.argv[1:2] == ["touch"]:
        print(json.dumps({"bytes": np.ones(1 << 28).nbytes}))
    elif sys.argv[1:2] == ["growth"]:
        print(json.dumps(growth_pass(int(sys.argv[2]))))
    else:
        for row in run():
            print(row.as_dict())
