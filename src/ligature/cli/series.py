"""The same training over several seeds, each measured: what the ablation and the sweep are made of."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.cli.aligned import Aligned
from ligature.cli.measures import measure
from ligature.cli.train import train_settings
from ligature.errors import DataError
from ligature.evaluation import results_table
from ligature.params.train import LossParams, TrainParams
from ligature.projection import (
    PairedFeatures,
    ProjectorConfig,
    TrainSettings,
    hash_pairs,
    load_projector,
    select_pairs,
    train,
)
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json
from ligature.store.damage import reading
from ligature.store.hashing import hash_values
from ligature.training import Runtime

RUNNING, DONE = "running.json", "done.json"


@dataclass(frozen=True)
class Series:
    """Trainings that differ in their seed alone.

    Attributes:
        layout: of the study.
        folder: takes ``seed-N/`` with every projector, and ``results.csv``.
        name: of the model in results.
        pair: names of vision and text encoder.
        mode: of training.
        loss: of training.
        steps: of every training.
        batch_size: of every training, at most.
        seeds: one training each.
        labelled: data sets with class names on which every projector is measured.
        captioned: captioned data sets on which every projector is measured.
        training: the rest of the optimisation; where not given it is the study's `train` block, its warm-up cut to a
            tenth of the steps.
        variants: whether prompt sets, languages and descriptions of the data sets are measured too.
    """

    layout: Layout
    folder: Path
    name: str
    pair: tuple[str, str]
    mode: str
    loss: LossParams
    steps: int
    batch_size: int
    seeds: list[int]
    labelled: list[str]
    captioned: list[str]
    training: TrainParams | None = None
    variants: bool = False

    def run(
        self, config: ProjectorConfig, data: PairedFeatures, provenance: Mapping[str, Any], runtime: Runtime
    ) -> None:
        """Trains and measures every seed; one that a killed run of the same series had finished is kept."""
        inputs = [asdict(config), hash_pairs(select_pairs(config, data)), asdict(self._settings(data, 0))]
        self._begin(hash_values([*inputs, self.labelled, self.captioned, self.variants]))
        tables = []
        for seed in self.seeds:
            folder = self.folder / f"seed-{seed}"
            if not (folder / DONE).is_file():
                what = f"train {self.name}, seed {seed}"
                settings = self._settings(data, seed)
                train(config, data, settings, folder, provenance=dict(provenance), runtime=runtime, what=what)
                aligned = Aligned(self.layout, *self.pair, load_projector(folder), self.mode, self.name, seed)
                rows = measure(aligned, self.labelled, self.captioned, with_variants=self.variants)
                write_csv(folder / "results.csv", results_table(rows))
                write_json(folder / DONE, {})
            tables.append(read_results(folder / "results.csv"))
        write_csv(self.folder / "results.csv", pd.concat(tables, ignore_index=True))
        (self.folder / RUNNING).unlink()

    def _begin(self, key: str) -> None:
        """Empties the folder, unless a run of the same series was killed in it."""
        try:
            unfinished = json.loads((self.folder / RUNNING).read_text(encoding="utf-8"))["key"] == key
        except (OSError, ValueError, KeyError):
            unfinished = False
        if not unfinished:
            shutil.rmtree(self.folder, ignore_errors=True)
        write_json(self.folder / RUNNING, {"key": key})

    def _settings(self, data: PairedFeatures, seed: int) -> TrainSettings:
        training = self.training or self._training()
        return replace(
            train_settings(training, loss=self.loss),
            epochs=self.steps,
            max_steps=self.steps,
            batch_size=whole_groups(min(self.batch_size, len(data.images)), self.loss.group),
            seed=seed,
            require_progress=False,
        )

    def _training(self) -> TrainParams:
        train = self.layout.study.train
        return train.model_copy(update={"warmup_steps": min(train.warmup_steps, self.steps // 10)})


def whole_groups(batch_size: int, group: int | None) -> int:
    """Returns the largest batch, up to a size, that groups of local negatives divide; at least one group."""
    return max(batch_size - batch_size % group, group) if group else batch_size


def read_results(path: Path, remedy: str = "run its step first") -> pd.DataFrame:
    """Reads rows of results; texts that are empty stay texts.

    Raises:
        DataError: when the file is missing, with what to do.
    """
    if not path.is_file():
        raise DataError(f"{path}: missing; {remedy}")
    with reading(path):
        return pd.read_csv(path, keep_default_na=False, dtype={"variant": str})


def collect(folder: Path, names: list[str], verb: str) -> pd.DataFrame:
    """Returns the results of several series as one table; rows that stand in several, such as chance, once."""
    tables = [read_results(folder / name / "results.csv", f"run `ligature {verb} {name}` first") for name in names]
    return pd.concat(tables, ignore_index=True).drop_duplicates(ignore_index=True)
