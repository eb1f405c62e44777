"""Training of a projector: full trainings that write a run folder and resume, and short probes in memory."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import torch

from ligature.errors import ParamsError
from ligature.projection.checkpoint import Checkpoint
from ligature.projection.config import ProjectorConfig
from ligature.projection.features import PairedFeatures
from ligature.projection.loop import Precision, TrainingLoop, Validate
from ligature.projection.projector import Projector
from ligature.projection.saving import save_projector
from ligature.projection.settings import TrainSettings
from ligature.store.atomic import write_csv


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
    device: str = "cpu",
    precision: Precision = "float32",
    what: str = "train projector",
) -> TrainingResult:
    """Trains a projector with symmetric InfoNCE and AdamW, and writes a run folder.

    The same arguments give the same bytes. A training that was killed goes on from its last checkpoint and ends
    with the weights and the history of one that was not: batches and dropout are functions of the seed and the
    step. A checkpoint of another training is passed over with a printed line.

    Args:
        config: the assembly of the projector.
        data: features and pairing.
        settings: the optimisation.
        run_folder: takes ``projector.safetensors``, ``projector.json``, ``history.csv`` and, until it is done, a
            checkpoint folder; it belongs to this training alone. Nothing is written where it is None.
        validate: called at the end of epochs with the projector in evaluation mode; its metrics go to the history
            and the facts as ``validation_<name>``.
        provenance: where the data come from, as JSON values; kept in ``projector.json``.
        device: where to train, such as ``cpu`` or ``cuda``.
        precision: ``bfloat16`` runs the blocks under autocast; weights and loss stay float32.
        what: the label of the progress display.

    Raises:
        ParamsError: if config, settings and data do not fit together.
        DataError: if features that the config needs are missing.
        TrainingError: if the loss or a metric is not finite, or if the loss does not fall.
    """
    json.dumps(provenance, allow_nan=False)  # fails here, not after hours of training
    torch_device = _checked_device(device, precision)
    with torch.random.fork_rng(devices=[torch_device] if torch_device.type == "cuda" else []):
        loop = TrainingLoop(config, data, settings, torch_device, precision)
        checkpoint = None if run_folder is None else Checkpoint(run_folder, loop.fingerprint())
        if checkpoint is not None:
            checkpoint.restore(loop.state)
        loop.run(what, validate, checkpoint)
    result = TrainingResult(loop.state.projector.eval(), pd.DataFrame(loop.state.history), loop.facts())
    if checkpoint is not None:
        write_csv(checkpoint.run_folder / "history.csv", result.history)
        facts = result.facts | {"settings": asdict(settings), "data_hash": checkpoint.fingerprint["data"]}
        save_projector(result.projector, checkpoint.run_folder, facts=facts, provenance=provenance)
        checkpoint.remove()
    return result


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
    return train(config, data, settings, device=device, what=what)


def _checked_device(name: str, precision: str) -> torch.device:
    if precision not in get_args(Precision):
        raise ParamsError(f"precision is {precision!r}: use one of {', '.join(get_args(Precision))}")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ParamsError(f"device {name!r} is unknown: use cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ParamsError(f"device is {name!r}, but torch sees no CUDA GPU here: use cpu")
    return device
