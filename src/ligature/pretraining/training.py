"""Pre-training of a pair of encoders: a run folder that says what was learned, and that resumes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.contrastive.folder import save_pair
from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer
from ligature.pretraining.loop import PretrainingLoop
from ligature.pretraining.pairs import ImageTextPairs
from ligature.pretraining.settings import PretrainSettings
from ligature.store.atomic import write_csv
from ligature.store.damage import write_sealed
from ligature.training.checkpoint import Checkpoint
from ligature.training.loop import Validate
from ligature.training.run import run_training
from ligature.training.runtime import Runtime

MODEL, HISTORY, CARD = "model", "history.csv", "training.json"
"""What a finished training leaves: the folder of the pair, a row a step, and all that is known of it."""


@dataclass(frozen=True, eq=False)
class PretrainingResult:
    """A trained model in evaluation mode, its history (one row a step) and its facts."""

    model: ContrastiveModel
    history: pd.DataFrame
    facts: dict[str, Any]


def pretrain(
    config: ContrastiveConfig,
    pairs: ImageTextPairs,
    tokenizer: CaptionTokenizer,
    settings: PretrainSettings,
    run_folder: Path | str | None = None,
    *,
    validate: Validate | None = None,
    provenance: dict[str, Any] | None = None,
    runtime: Runtime | None = None,
    workers: int = 1,
    what: str = "pretrain",
) -> PretrainingResult:
    """Trains both encoders from scratch with AdamW, and writes a run folder.

    The same arguments give the same bytes on the same machine. A training that was killed goes on from its last
    checkpoint and ends with the weights and the history of one that was not: batches and crops are functions of the
    seed and the step. A checkpoint of another training is passed over with a printed line.

    Under torchrun every process calls this with the same arguments and takes its share of every batch; with another
    number of processes results differ by rounding. Process 0 alone validates and writes; the history of the others
    has no validation metrics.

    Args:
        config: of the two towers.
        pairs: images, captions and, where the loss rescales, semantic vectors.
        tokenizer: of the captions, the one that ``config`` was made for.
        settings: the optimisation.
        run_folder: takes ``model`` (the folder of the pair), ``history.csv``, ``training.json`` and, until it is done,
            a checkpoint folder; it belongs to this training alone. Nothing is written where it is None.
        validate: called at the end of epochs with the model in evaluation mode; its metrics go to the history and
            the facts as ``validation_<name>``.
        provenance: where the data come from, as JSON values; kept in ``training.json``.
        runtime: device, precision, micro-batches, trackers; float32 on the CPU by default.
        workers: threads that decode and crop images.
        what: the label of the progress display.

    Raises:
        ParamsError: if config, tokenizer, settings, pairs and runtime do not fit together.
        DataError: naming an image that cannot be read.
        TrainingError: if the loss or a metric is not finite, if the loss does not fall, or if processes start from
            different states.
        SystemExit: if SIGTERM came, after the step in progress has been finished and saved.
    """
    json.dumps(provenance, allow_nan=False)  # fails here, not after days of training
    runtime = runtime or Runtime()
    return run_training(
        lambda processes: PretrainingLoop(config, pairs, tokenizer, settings, runtime, processes, workers=workers),
        lambda loop: PretrainingResult(loop.state.model.eval(), pd.DataFrame(loop.state.history), loop.facts()),
        lambda result, checkpoint: _write_results(result, tokenizer, settings, checkpoint, provenance),
        runtime=runtime,
        run_folder=run_folder,
        validate=validate,
        what=what,
    )


def _write_results(
    result: PretrainingResult,
    tokenizer: CaptionTokenizer,
    settings: PretrainSettings,
    checkpoint: Checkpoint,
    provenance: dict[str, Any] | None,
) -> None:
    folder = checkpoint.run_folder
    save_pair(result.model, tokenizer, folder / MODEL)
    write_csv(folder / HISTORY, result.history)
    card = {"facts": result.facts, "settings": settings.decisive(), "provenance": provenance or {}}
    card |= {"data_hash": checkpoint.fingerprint["data"], "config": result.model.config.to_dict()}
    write_sealed(folder / CARD, card)
