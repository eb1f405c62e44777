"""What the `captioning` block must agree on with the rest of a study."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ligature.params.captioning import CaptioningParams, CaptioningRecipe, LanguageParams, StageParams
from ligature.params.datasets import kind_of
from ligature.params.encoders import check_encoder

if TYPE_CHECKING:
    from ligature.params.study import Study

Trained = tuple[str, int | None, int]
"""Run, number of pairs (None for all) and seed of one training."""


def check_captioning(study: "Study") -> None:
    """Checks that all that the block names is there.

    Raises:
        ValueError: naming the key and what does not fit.
    """
    block = study.captioning
    if block is None:
        return
    downloaded = {name for mix in study.mixes.values() for name in mix.sets}
    for key, name in _captioned(block):
        if not (name in downloaded and ".stages." in key):
            _check_dataset(study, key, name)
    for name, recipe in block.recipes.items():
        check_encoder(f"captioning.recipes.{name}.vision", recipe.vision, study.encoders.vision)
        for number, stage in enumerate(recipe.stages):
            if stage.mix is not None and stage.mix not in study.mixes:
                known = ", ".join(study.mixes) or "none"
                raise ValueError(
                    f"captioning.recipes.{name}.stages.{number}.mix: unknown mix {stage.mix!r}; known: {known}"
                )


def _captioned(block: CaptioningParams) -> Iterator[tuple[str, str]]:
    """Yields (key, data set) of all captioned data sets that the block names."""
    yield "validation", block.validation
    yield from (("evaluation", name) for name in block.evaluation)
    for name, language in block.languages.items():
        yield from ((f"languages.{name}.recipe.datasets", each) for each in _read_by(language))
    for name, recipe in block.recipes.items():
        for number, stage in enumerate(recipe.stages):
            yield from ((f"recipes.{name}.stages.{number}.datasets", each) for each in stage.datasets)


def _read_by(language: LanguageParams) -> list[str]:
    return language.recipe.datasets if language.recipe else []


def _check_dataset(study: "Study", key: str, name: str) -> None:
    if name not in study.datasets:
        raise ValueError(f"captioning.{key}: unknown dataset {name!r}; known: {', '.join(study.datasets)}")
    kind = kind_of(study.datasets[name])
    if kind != "captions":
        raise ValueError(f"captioning.{key}: dataset {name!r} has {kind}, not captions")


def captioning_runs(study: "Study") -> list[Trained]:
    """Returns run, number of pairs and seed of every training."""
    block = study.captioning
    if block is None:
        return []
    sizes = {name: block.pairs if run.pairs is None else run.pairs for name, run in block.runs.items()}
    return [(name, pairs, seed) for name in block.runs for pairs in sizes[name] for seed in block.seeds]


def captioning_recipe(study: "Study", run: str) -> CaptioningRecipe:
    """Returns the recipe of a run."""
    return study.captioning.recipes[study.captioning.runs[run].recipe]


def stage_sets(study: "Study", stage: StageParams) -> tuple[list[str], str | list[float]]:
    """Returns the data sets and downloaded sets of a stage, and their weights."""
    if stage.mix is None:
        return stage.datasets, "proportional"
    return study.mixes[stage.mix].sets, study.mixes[stage.mix].weights
