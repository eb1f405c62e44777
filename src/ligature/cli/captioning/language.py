"""`ligature language`: a small causal language model of a study's own."""

from typing import Annotated

import typer

from ligature.captioning.language.recipe import LanguageSize, train_language_model
from ligature.cli.captioning.data import captioning_params, load_texts
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
    CheckpointOption,
    LogFolderOption,
    MicroBatchOption,
    TrackOption,
    make_runtime,
)
from ligature.cli.train import CHECKPOINT_SECONDS
from ligature.errors import ParamsError
from ligature.params.captioning import LanguageRecipe
from ligature.store import Layout
from ligature.training.settings import Schedule


def language(
    name: Annotated[str, typer.Argument(help="Language model of the captioning.")],
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    micro_batch: MicroBatchOption = None,
    track: TrackOption = TRACKERS,
    log_folder: LogFolderOption = None,
    checkpoint_every: CheckpointOption = CHECKPOINT_SECONDS,
) -> None:
    """Train a small language model on the texts of a study; a killed run goes on where it stopped."""
    layout = open_layout(params, results, threads)
    recipe = find_recipe(layout, name)
    train_language_model(
        load_texts(layout, recipe),
        LanguageSize(recipe.vocabulary, recipe.width, recipe.layers, recipe.heads, recipe.context_length),
        language_schedule(recipe, checkpoint_every=checkpoint_every),
        layout.language(name),
        runtime=make_runtime(
            device=device, precision=precision, micro_batch=micro_batch, track=track, log_folder=log_folder
        ),
        provenance={"study": layout.study.study, "language": name, "recipe": recipe.model_dump()},
        what=f"language {name}",
    )


def find_recipe(layout: Layout, name: str) -> LanguageRecipe:
    """Returns the recipe of a language model.

    Raises:
        ParamsError: naming the language models that there are, or for one that is loaded from its source.
    """
    languages = captioning_params(layout).languages
    if name not in languages:
        raise ParamsError(f"unknown language model {name!r}; known: {', '.join(languages)}")
    if languages[name].recipe is None:
        raise ParamsError(f"language model {name!r} has no recipe; it is loaded from its source")
    return languages[name].recipe


def language_schedule(recipe: LanguageRecipe, *, checkpoint_every: float = CHECKPOINT_SECONDS) -> Schedule:
    """Turns a recipe into the settings of its training."""
    return Schedule(
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        warmup_steps=recipe.warmup_steps,
        learning_rate=recipe.learning_rate,
        min_learning_rate=0.0,
        weight_decay=recipe.weight_decay,
        seed=recipe.seed,
        checkpoint_every_seconds=checkpoint_every,
    )
