"""Training of a projector: full trainings that write a run folder and resume, and short probes in memory."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.projection.config import ProjectorConfig
from ligature.projection.features import PairedFeatures
from ligature.projection.loop import ProjectionLoop
from ligature.projection.projector import Projector
from ligature.projection.saving import save_projector
from ligature.projection.settings import TrainSettings
from ligature.store.atomic import write_csv
from ligature.training.checkpoint import Checkpoint
from ligature.training.loop import Validate
from ligature.training.run import run_training
from ligature.training.runtime import Runtime


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained projector in evaluation mode, its history (one row a step) and its facts."""

    projector: Projector
    history: pd.DataFrame
    facts: dict[str, Any]


def train(
    config: ProjectorConfig,
    data: PairedFeatures,
    settings: TrainSettings,
    run_folder: Path | str | None = None,
    *,
    validate: Validate | None = None,
    provenance: dict[str, Any] | None = None,
    runtime: Runtime | None = None,
    what: str = "train projector",
) -> TrainingResult:
    """Trains a projector with a contrastive loss and AdamW, and writes a run folder.

    The same arguments give the same bytes on the same machine. A training that was killed goes on from its last
    checkpoint and ends with the weights and the history of one that was not: batches and dropout are functions of the
    seed and the step. A checkpoint of another training is passed over with a printed line.

    Under torchrun every process calls this with the same arguments and takes its share of every batch; with another
    number of processes results differ by rounding, and by dropout masks. Process 0 alone validates and writes; the
    history of the others has no validation metrics.

    Args:
        config: the assembly of the projector.
        data: features and pairing.
        settings: the optimisation.
        run_folder: takes ``projector.safetensors``, ``projector.json``, ``history.csv`` and, until it is done, a
            checkpoint folder; it belongs to this training alone. Nothing is written where it is None.
        validate: called at the end of epochs with the projector in evaluation mode; its metrics go to the history
            and the facts as ``validation_<name>``.
        provenance: where the data come from, as JSON values; kept in ``projector.json``.
        runtime: device, precision, micro-batches, trackers; float32 on the CPU by default.
        what: the label of the progress display.

    Raises:
        ParamsError: if config, settings, data and runtime do not fit together.
        DataError: if features that the config needs are missing.
        TrainingError: if the loss or a metric is not finite, if the loss does not fall, or if processes start from
            different states.
        SystemExit: if SIGTERM came, after the step in progress has been finished and saved.
    """
    json.dumps(provenance, allow_nan=False)  # fails here, not after hours of training
    runtime = runtime or Runtime()
    return run_training(
        lambda processes: ProjectionLoop(config, data, settings, runtime, processes),
        lambda loop: TrainingResult(loop.state.model.eval(), pd.DataFrame(loop.state.history), loop.facts()),
        lambda result, checkpoint: _write_results(result, settings, checkpoint, provenance),
        runtime=runtime,
        run_folder=run_folder,
        validate=validate,
        what=what,
    )


def _write_results(
    result: TrainingResult, settings: TrainSettings, checkpoint: Checkpoint, provenance: dict[str, Any] | None
) -> None:
    write_csv(checkpoint.run_folder / "history.csv", result.history)
    facts = result.facts | {"settings": settings.decisive(), "data_hash": checkpoint.fingerprint["data"]}
    save_projector(result.projector, checkpoint.run_folder, facts=facts, provenance=provenance)


def train_probe(
    config: ProjectorConfig,
    data: PairedFeatures,
    *,
    steps: int = 200,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    device: str = "cpu",
    what: str = "probe",
) -> TrainingResult:
    """Trains for ``steps`` steps in memory: a quick answer to how well a pair of encoders can be joined.

    A tenth of the steps is warm-up. A loss that does not fall is a result here, not an error.

    Raises:
        ParamsError: if config and data do not fit together.
        DataError: if features that the config needs are missing.
        TrainingError: if the loss is not finite.
    """
    settings = TrainSettings(
        epochs=steps,
        max_steps=steps,
        batch_size=batch_size,
        warmup_steps=steps // 10,
        learning_rate=learning_rate,
        min_learning_rate=learning_rate / 100,
        seed=seed,
        require_progress=False,
    )
    return train(config, data, settings, runtime=Runtime(device=device), what=what)
