"""Training of a vision-language model on captions, stage by stage: a run folder that says what was learned."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.captioning.features import CACHE_BYTES, ViewFeatures
from ligature.captioning.loop import CaptionLoop
from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.samples import CaptionData
from ligature.captioning.settings import StageSettings
from ligature.errors import ParamsError
from ligature.progress import say
from ligature.store.atomic import write_csv
from ligature.store.damage import write_sealed
from ligature.store.hashing import hash_values
from ligature.training.distributed import Processes, join_processes
from ligature.training.loop import Validate
from ligature.training.run import run_training
from ligature.training.runtime import Runtime
from ligature.training.stopping import EXIT_STATUS, StopRequest
from ligature.training.weights import hash_weights

MODEL, HISTORY, CARD, STAGES = "model", "history.csv", "training.json", "stages"
"""What a finished training leaves: the model's folder, a row a step, and all that is known of it. The states of its
stages are there until then."""


@dataclass(frozen=True, eq=False)
class CaptionStage:
    """What a stage trains on, and how."""

    data: CaptionData
    settings: StageSettings


@dataclass(frozen=True, eq=False)
class CaptioningResult:
    """A trained model in evaluation mode, its history (one row a step of every stage) and its facts."""

    model: VisionLanguageModel
    history: pd.DataFrame
    facts: dict[str, Any]


def train_captioning(
    model: VisionLanguageModel,
    stages: Sequence[CaptionStage],
    run_folder: Path | str | None = None,
    *,
    validate: Validate | None = None,
    provenance: dict[str, Any] | None = None,
    runtime: Runtime | None = None,
    workers: int = 1,
    cache_bytes: int = CACHE_BYTES,
    what: str = "caption",
) -> CaptioningResult:
    """Trains a model in stages with AdamW, and writes a run folder.

    The same arguments give the same bytes on the same machine. A training that was killed goes on from its last
    checkpoint, inside any stage, given the same initial model. A checkpoint of another training is passed over with a
    printed line. Checkpoints hold the weights that their stage trains and no others.

    Under torchrun every process calls this with the same arguments and takes its share of every batch; with another
    number of processes results differ by rounding. Process 0 alone validates and writes; the history of the others
    has no validation metrics.

    Args:
        model: as it starts; it is trained in place.
        stages: one after the other. Only the first is stopped where its loss does not fall, if its settings say so:
            what comes later may have nothing left to learn.
        run_folder: takes ``model`` (the model's folder), ``history.csv``, ``training.json`` and, until it is done,
            ``stages``; it belongs to this training alone. Nothing is written where it is None.
        validate: called at the end of epochs with the model in evaluation mode; its metrics go to the history and
            the facts as ``validation_<name>``.
        provenance: where the data come from, as JSON values; kept in ``training.json``.
        runtime: device, precision, micro-batches, trackers; float32 on the CPU by default. Every stage has a folder
            of its own in ``log_folder``.
        workers: threads that read and prepare images.
        cache_bytes: memory for features of images, or for inputs of a tower that is trained.
        what: the label of the progress display.

    Raises:
        ParamsError: if there is no stage, or model, data, settings and runtime do not fit together.
        DataError: naming an image that cannot be read.
        TrainingError: if the loss or a metric is not finite, if the loss does not fall, or if processes start from
            different states.
        SystemExit: if SIGTERM came, after the step in progress has been finished and saved.
    """
    json.dumps(provenance, allow_nan=False)  # fails here, not after days of training
    if not stages:
        raise ParamsError("a training needs at least one stage")
    runtime = runtime or Runtime()
    processes = join_processes(runtime.device)
    model.to(processes.device)
    before, ended, features = hash_model(model), [], None
    with StopRequest() as stop:
        for number, stage in enumerate(stages, 1):
            if features is None or features.paths != stage.data.paths:
                features = ViewFeatures(model, stage.data.paths, cache_bytes=cache_bytes, workers=workers)
            folder = None if run_folder is None else Path(run_folder) / STAGES / str(number)
            ended.append(_run_stage(model, stage, features, number, before, folder, runtime, processes, validate, what))
            before = ended[-1].hash
            if number < len(stages) and processes.sum(stop.requested):
                say(f"stopped by SIGTERM after stage {number}; the same command goes on from there")
                raise SystemExit(EXIT_STATUS)
        result = CaptioningResult(model.eval(), _history(ended), _facts(model, stages, ended))
        if run_folder is not None and processes.leads:
            _write_results(result, stages, Path(run_folder), provenance)
        processes.wait()
    return result


def hash_model(model: VisionLanguageModel) -> str:
    """Returns a hash of all that decides what a model says: weights, config and tokenizer."""
    tokenizer = model.tokenizer
    words = [sorted(tokenizer.get_vocab().items()), tokenizer.chat_template, tokenizer.pad_token_id]
    return hash_values([hash_weights(model), model.config.to_dict(), words])


@dataclass(frozen=True)
class _Ended:
    """A finished stage: its history, its facts, and a hash of all that they come from."""

    history: list[dict[str, Any]]
    facts: dict[str, Any]
    hash: str


def _run_stage(
    model: VisionLanguageModel,
    stage: CaptionStage,
    features: ViewFeatures,
    number: int,
    before: str,
    folder: Path | None,
    runtime: Runtime,
    processes: Processes,
    validate: Validate | None,
    what: str,
) -> _Ended:
    settings = replace(stage.settings, require_progress=stage.settings.require_progress and number == 1)
    if runtime.log_folder is not None:
        runtime = replace(runtime, log_folder=runtime.log_folder / f"stage-{number}")
    model.set_trained(set(settings.learning_rates))
    with _saving_memory(model, runtime):
        return run_training(
            lambda _: CaptionLoop(model, stage.data, features, settings, runtime, processes, before=before),
            lambda loop: _Ended(loop.state.history, loop.facts(), hash_values(loop.fingerprint)),
            lambda result, checkpoint: None,
            runtime=runtime,
            run_folder=folder,
            validate=validate,
            what=f"{what} stage {number}",
            keep_checkpoint=True,
        )


@contextmanager
def _saving_memory(model: VisionLanguageModel, runtime: Runtime) -> Iterator[None]:
    """Has the language model compute its blocks again on the way back, where the runtime asks for that."""
    if not runtime.checkpoint_activations:
        yield
        return
    model.language.gradient_checkpointing_enable({"use_reentrant": False})
    try:
        yield
    finally:
        model.language.gradient_checkpointing_disable()


def _history(ended: Sequence[_Ended]) -> pd.DataFrame:
    return pd.DataFrame([{"stage": number} | row for number, each in enumerate(ended, 1) for row in each.history])


def _facts(model: VisionLanguageModel, stages: Sequence[CaptionStage], ended: Sequence[_Ended]) -> dict[str, Any]:
    """Returns figures of the whole training: sums over stages, the losses of the last, and every stage's own."""
    data, each = {stage.data.hash: stage.data for stage in stages}.values(), [stage.facts for stage in ended]
    sums = {key: sum(facts[key] for facts in each) for key in ("cut_captions", "steps", "samples_seen", "flops")}
    last = {key: value for key, value in each[-1].items() if key == "train_loss" or key.startswith("validation_")}
    return {
        "images": sum(len(one) for one in data),
        "pairs": sum(len(one.captions) for one in data),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "connector_parameters": sum(weight.numel() for weight in model.connector.parameters()),
        "trainable_parameters": [facts["trainable_parameters"] for facts in each],
        "stages": each,
    } | (sums | last)


def _write_results(
    result: CaptioningResult,
    stages: Sequence[CaptionStage],
    folder: Path,
    provenance: dict[str, Any] | None,
) -> None:
    result.model.save_pretrained(folder / MODEL)
    write_csv(folder / HISTORY, result.history)
    settings = [stage.settings.decisive() for stage in stages]
    card = {"facts": result.facts, "settings": settings, "provenance": provenance or {}}
    card |= {"data_hashes": [stage.data.hash for stage in stages], "config": result.model.config.to_dict()}
    write_sealed(folder / CARD, card)
    shutil.rmtree(folder / STAGES)
