# What captioning reads, and what decides it.
from ligature.params.captioning_checks import (
    captioning_recipe,
    captioning_runs,
    stage_sets,
)

captioned = captioning_runs(study)
own_languages = {
    name: block.recipe
    for name, block in (captioning.languages if captioning else {}).items()
    if block.recipe
}
captioning_folder = (
    layout.captioning / "runs" / "{captioner}" / "pairs-{pairs}" / "seed-{seed}"
)


def language_weights(name):
    """Returns the weights of a language model that the study trains itself; none for the others."""
    return (
        [layout.language(name) / "model/model.safetensors"]
        if name in own_languages
        else []
    )


def connect_inputs(wildcards):
    """Returns what the training of a connector reads: images with captions, and both models."""
    recipe = captioning_recipe(study, wildcards.captioner)
    names = [name for stage in recipe.stages for name in stage_sets(study, stage)[0]]
    images = [
        path for name in [*names, captioning.validation] for path in image_files(name)
    ]
    models = weights_of(recipe.vision) + language_weights(recipe.language)
    return list(dict.fromkeys(images + models))


def connect_block(wildcards):
    """Returns everything that decides the training of a connector."""
    recipe = captioning_recipe(study, wildcards.captioner)
    sets = [stage_sets(study, stage) for stage in recipe.stages]
    read = dict.fromkeys(
        [*(name for names, _ in sets for name in names), captioning.validation]
    )
    return {
        "recipe": dump(recipe),
        "connector": dump(captioning.runs[wildcards.captioner].connector),
        "vision": dump(find(study.encoders.vision, recipe.vision)),
        "language": dump(captioning.languages[recipe.language]),
        "validation": captioning.validation,
        "validate_every_epochs": captioning.validate_every_epochs,
        "sets": {name: captions_block(name) for name in read},
        "weights": [weights for _, weights in sets],
    }


def captions_block(name):
    """Returns what says which images and captions a data set has; None for a downloaded set."""
    unread = {"prompts", "translations", "descriptions"}
    return (
        dump(study.datasets[name], exclude=unread) if name in study.datasets else None
    )


def appraise_block():
    """Returns everything that decides how captions are measured."""
    keys = {
        "evaluation",
        "generation",
        "metrics",
        "tokenizer",
        "shots",
        "noise",
        "noise_images",
        "max_failed",
    }
    sets = {name: captions_block(name) for name in captioning.evaluation}
    return dump(captioning, include=keys) | {"sets": sets}
