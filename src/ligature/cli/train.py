"""`ligature train`: the projector between the chosen encoders."""

from collections.abc import Callable

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
from ligature.cli.features import Captioned, load_captioned, load_pairs, open_store, projector_config
from ligature.cli.pairs import chosen_pair
from ligature.cli.runtime import (
    TRACKERS,
    CheckpointOption,
    CompileOption,
    LogFolderOption,
    MicroBatchOption,
    TrackOption,
    make_runtime,
)
from ligature.evaluation import retrieval_recall
from ligature.params.train import LossParams, TrainParams
from ligature.projection import Projector, TrainSettings, project_images, project_texts
from ligature.projection import train as train_projector
from ligature.training import LossSettings

CHECKPOINT_SECONDS = 300.0


def train(
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    micro_batch: MicroBatchOption = None,
    compiled: CompileOption = False,
    track: TrackOption = TRACKERS,
    log_folder: LogFolderOption = None,
    checkpoint_every: CheckpointOption = CHECKPOINT_SECONDS,
) -> None:
    """Train the projector between the two chosen encoders; a killed run goes on where it stopped.

    Under torchrun every process takes its share of each batch.
    """
    layout = open_layout(params, results, threads)
    settings = layout.study.train
    vision, text = chosen_pair(layout)
    data = load_pairs(
        layout,
        vision,
        text,
        settings.datasets,
        settings.mode,
        validation=settings.validation,
        device=device,
        precision=precision,
    )
    validation = load_captioned(layout, vision, text, settings.validation, settings.mode)
    encoders = {
        "vision": open_store(layout, vision, settings.validation, settings.mode).encoder,
        "text": open_store(layout, text, settings.validation, settings.mode).encoder,
    }
    train_projector(
        projector_config(settings.projector, data.images, data.texts, settings.loss),
        data,
        train_settings(settings, checkpoint_every=checkpoint_every),
        layout.train,
        validate=validate_on(validation),
        provenance={"study": layout.study.study, "encoders": encoders, "train": settings.model_dump()},
        runtime=make_runtime(
            device=device,
            precision=precision,
            micro_batch=micro_batch,
            compiled=compiled,
            track=track,
            log_folder=log_folder,
        ),
        what=f"train {vision} + {text}",
    )


def train_settings(
    params: TrainParams, *, loss: LossParams | None = None, checkpoint_every: float = CHECKPOINT_SECONDS
) -> TrainSettings:
    """Turns the study's `train` block into settings of the training loop, with another loss where one is given."""
    loss = loss or params.loss
    return TrainSettings(
        epochs=params.epochs,
        batch_size=params.batch_size,
        warmup_steps=params.warmup_steps,
        learning_rate=params.learning_rate,
        min_learning_rate=params.min_learning_rate,
        weight_decay=params.weight_decay,
        seed=params.seed,
        loss=LossSettings(kind=loss.kind, negatives=loss.negatives, group=loss.group),
        checkpoint_every_seconds=checkpoint_every,
    )


def validate_on(data: Captioned) -> Callable[[Projector], dict[str, float]]:
    """Returns a function that measures retrieval of a projector on a captioned data set."""

    def validate(projector: Projector) -> dict[str, float]:
        images, texts = project_images(projector, data.images), project_texts(projector, data.texts)
        return retrieval_recall(images, texts, data.image_of_text)

    return validate
