"""`ligature train`: the projector between the chosen encoders."""

from collections.abc import Callable
from typing import Annotated

import typer

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
from ligature.evaluation import retrieval_recall
from ligature.params.train import TrainParams
from ligature.projection import Projector, TrainSettings, project_images, project_texts
from ligature.projection import train as train_projector


def train(
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    checkpoint_every: Annotated[int, typer.Option(min=1, help="Steps between two checkpoints.")] = 200,
) -> None:
    """Train the projector between the two chosen encoders; a killed run goes on where it stopped."""
    layout = open_layout(params, results, threads)
    settings = layout.study.train
    vision, text = chosen_pair(layout)
    data = load_pairs(layout, vision, text, settings.datasets, settings.mode)
    validation = load_captioned(layout, vision, text, settings.validation, settings.mode)
    encoders = {
        "vision": open_store(layout, vision, settings.validation, settings.mode).encoder,
        "text": open_store(layout, text, settings.validation, settings.mode).encoder,
    }
    train_projector(
        projector_config(settings.projector, data.images, data.texts),
        data,
        train_settings(settings, checkpoint_every),
        layout.train,
        validate=validate_on(validation),
        provenance={"study": layout.study.study, "encoders": encoders, "train": settings.model_dump()},
        device=device,
        precision=precision,
        what=f"train {vision} + {text}",
    )


def train_settings(params: TrainParams, checkpoint_every: int) -> TrainSettings:
    """Turns the study's `train` block into settings of the training loop."""
    return TrainSettings(
        epochs=params.epochs,
        batch_size=params.batch_size,
        warmup_steps=params.warmup_steps,
        learning_rate=params.learning_rate,
        min_learning_rate=params.min_learning_rate,
        weight_decay=params.weight_decay,
        seed=params.seed,
        checkpoint_every_steps=checkpoint_every,
    )


def validate_on(data: Captioned) -> Callable[[Projector], dict[str, float]]:
    """Returns a function that measures retrieval of a projector on a captioned data set."""

    def validate(projector: Projector) -> dict[str, float]:
        images, texts = project_images(projector, data.images), project_texts(projector, data.texts)
        return retrieval_recall(images, texts, data.image_of_text)

    return validate
