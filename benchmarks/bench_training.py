"""Whether features arrive as fast as a training step uses them, and how long a step waits for them.

The need is that of a null model, one linear map a side, which is the least that any projector takes: what keeps up
with it keeps up with all. Features are float16 vectors of 1,024 in files that are mapped into memory, as stores are.
Everything runs on one thread, so the background thread shares its core with the step; on a GPU they run side by side.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from harness import Row, best_of
from ligature.projection import ImageFeatures, PairedFeatures, ProjectorConfig, TrainSettings
from ligature.projection.batches import Batches, MicroBatch
from ligature.projection.loop import ProjectionLoop
from ligature.training.distributed import Processes
from ligature.training.prefetch import Prefetch
from ligature.training.runtime import Runtime

N_IMAGES, WIDTH, BATCH, STEPS = 40_000, 1024, 2048, 12
CPU = torch.device("cpu")
NULL_MODEL = ProjectorConfig(WIDTH, WIDTH, 256, "none", "linear", "identity", "linear", dropout=0.0)
SETTINGS = TrainSettings(epochs=1, batch_size=BATCH, warmup_steps=0, max_steps=STEPS, require_progress=False)


def world(folder: Path) -> PairedFeatures:
    """Returns pairs whose features lie in files under ``folder``."""
    generator = np.random.default_rng(0)
    for name in ("images", "texts"):
        np.save(folder / f"{name}.npy", generator.standard_normal((N_IMAGES, WIDTH), np.float32).astype(np.float16))
    images, texts = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "texts"))
    return PairedFeatures(ImageFeatures(cls=images), texts, np.arange(N_IMAGES), content_hash="synthetic")


def batches_of(data: PairedFeatures) -> Iterator[list[MicroBatch]]:
    """Returns the batches of a training."""
    return Batches(data, SETTINGS).load(0, slice(0, BATCH), None, CPU)


def train_on(batches: Iterable[list[MicroBatch]], data: PairedFeatures) -> None:
    """Takes a step on every batch."""
    loop = ProjectionLoop(NULL_MODEL, data, SETTINGS, Runtime(), Processes(CPU))
    for batch in batches:
        loop.step(batch)


def run_training(data: PairedFeatures, prefetch: int) -> float:
    """Trains, and returns the share of the time in which features were waited for."""
    loaded = Prefetch(batches_of(data), prefetch)
    start = time.perf_counter()
    train_on(loaded, data)
    return loaded.waited / (time.perf_counter() - start)


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        data = world(Path(folder))
        in_memory = [next(batches_of(data))] * STEPS
        loading, _ = best_of(lambda: sum(1 for _ in batches_of(data)))
        stepping, _ = best_of(lambda: train_on(in_memory, data))
        direct, waited_direct = best_of(lambda: run_training(data, 0))
        ahead, waited_ahead = best_of(lambda: run_training(data, 2))
    rates = f"{STEPS * BATCH / loading:,.0f} against {STEPS * BATCH / stepping:,.0f} pairs/s"
    shares = f"waiting {waited_direct:.0%} of the time without, {waited_ahead:.0%} with two steps ahead"
    sizes = f"batches of {BATCH:,} pairs of {WIDTH:,}-wide float16"
    return [
        Row("features against the steps of a null model", stepping, loading, 2.0, note=f"{rates}; {sizes}"),
        Row("training with features read ahead", direct, ahead, 0.9, note=shares),
    ]
