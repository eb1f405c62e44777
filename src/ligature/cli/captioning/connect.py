"""`ligature connect`: a connector trained into a language model, stage by stage."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from ligature.captioning import (
    CaptionStage,
    StageSettings,
    ViewFeatures,
    VisionLanguageModel,
    train_captioning,
    validation_loss,
)
from ligature.cli.captioning.data import (
    PairsOption,
    RunArgument,
    SeedOption,
    captioning_params,
    check_training,
    load_sets,
    load_stages,
    name_of_pairs,
)
from ligature.cli.captioning.models import build_model
from ligature.cli.context import (
    PARAMS,
    RESULTS,
    DeviceOption,
    ParamsOption,
    PrecisionOption,
    ResultsOption,
    ThreadsOption,
    open_layout,
)
from ligature.cli.runtime import (
    TRACKERS,
    CheckpointActivationsOption,
    CheckpointOption,
    LogFolderOption,
    MicroBatchOption,
    TrackOption,
    make_runtime,
)
from ligature.cli.train import CHECKPOINT_SECONDS
from ligature.params.captioning import StageParams
from ligature.params.captioning_checks import captioning_recipe, stage_sets
from ligature.store import Layout

DecodersOption = Annotated[int, typer.Option("--workers", min=1, help="Threads that decode images.")]


def connect(
    run: RunArgument,
    pairs: PairsOption,
    seed: SeedOption,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    workers: DecodersOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    micro_batch: MicroBatchOption = None,
    checkpoint_activations: CheckpointActivationsOption = False,
    track: TrackOption = TRACKERS,
    log_folder: LogFolderOption = None,
    checkpoint_every: CheckpointOption = CHECKPOINT_SECONDS,
) -> None:
    """Train the connector of a run, and what else its stages train; a killed run goes on where it stopped.

    Under torchrun every process takes its share of each batch.
    """
    layout = open_layout(params, results, threads)
    count = check_training(layout, run, pairs, seed)
    recipe = captioning_recipe(layout.study, run)
    data = load_stages(layout, run, count, seed)
    every = captioning_params(layout).validate_every_epochs
    settings = [
        replace(stage_settings(stage, seed, checkpoint_every=checkpoint_every), validate_every_epochs=every)
        for stage in recipe.stages
    ]
    train_captioning(
        build_model(layout, run, data, seed, device=device),
        [CaptionStage(of_stage, chosen) for of_stage, chosen in zip(data, settings, strict=True)],
        layout.captioned(run, count, seed),
        validate=validate_on(layout, batch_size=recipe.stages[-1].batch_size, workers=workers),
        provenance=provenance(layout, run, count),
        runtime=make_runtime(
            device=device,
            precision=precision,
            micro_batch=micro_batch,
            checkpoint_activations=checkpoint_activations,
            track=track,
            log_folder=log_folder,
        ),
        workers=workers,
        what=f"connect {run}, {name_of_pairs(count)} pairs, seed {seed}",
    )


def stage_settings(
    stage: StageParams, seed: int, *, checkpoint_every: float = CHECKPOINT_SECONDS, max_steps: int | None = None
) -> StageSettings:
    """Turns a stage of a recipe into the settings of its training, cut to ``max_steps`` where that is given."""
    return StageSettings(
        epochs=stage.epochs,
        batch_size=stage.batch_size,
        warmup_steps=stage.warmup_steps,
        learning_rates=dict(stage.learning_rates),
        decay=stage.decay,
        weight_decay=stage.weight_decay,
        seed=seed,
        max_steps=max_steps,
        checkpoint_every_seconds=checkpoint_every,
    )


def validate_on(
    layout: Layout, *, batch_size: int, workers: int = 1
) -> Callable[[VisionLanguageModel], dict[str, float]]:
    """Returns a function that measures the loss of one model on all captions of the validation data set.

    Args:
        layout: of the study.
        batch_size: pairs that are computed at once.
        workers: threads that decode images.
    """
    data = load_sets(layout, [captioning_params(layout).validation], hashed=False)
    features: list[ViewFeatures] = []  # which keeps those of a frozen tower

    def validate(model: VisionLanguageModel) -> dict[str, float]:
        if not features:
            features.append(ViewFeatures(model, data.paths, workers=workers))
        return {"loss": validation_loss(model, data, batch_size=batch_size, features=features[0])}

    return validate


def provenance(layout: Layout, run: str, pairs: int | None) -> dict:
    """Returns where a training comes from, as JSON values."""
    block, recipe = captioning_params(layout), captioning_recipe(layout.study, run)
    return {
        "study": layout.study.study,
        "run": run,
        "pairs": pairs,
        "connector": block.runs[run].connector.model_dump(),
        "recipe": recipe.model_dump(),
        "language": block.languages[recipe.language].model_dump(),
        "validation": block.validation,
        "sets": [stage_sets(layout.study, stage) for stage in recipe.stages],
    }
