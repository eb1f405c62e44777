# Shared by all of the workflow. The study, its paths, and which embeddings a stage needs.
import json
import os
import shlex
import sys
from pathlib import Path

from ligature.errors import LigatureError
from ligature.params import load_study
from ligature.params.matching_checks import embedded_sets
from ligature.params.study import uses_world
from ligature.store import Layout
from snakemake.exceptions import WorkflowError


def read_study():
    """Returns the study file and the layout of the study that was asked for."""
    unknown = set(config) - {"params"}
    if unknown:
        raise WorkflowError(
            f"--config {sorted(unknown)[0]}: unknown; choose a study with --config params=studies/NAME.yaml"
        )
    path = config.get("params", "params.yaml")
    try:
        return path, Layout(load_study(path))
    except LigatureError as error:
        raise WorkflowError(str(error))


# `ligature` and `dvc` are those of this Python, whether or not its environment was activated.
shell.prefix(
    f"set -euo pipefail; export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
)

study_file, layout = read_study()
study = layout.study

logs = Path("logs") / study.study

vision_names = [encoder.name for encoder in study.encoders.vision]
text_names = [encoder.name for encoder in study.encoders.text]
curate, download, sweep = study.curate, study.download, study.sweep
segmentation, matching = study.evaluate.segmentation, study.matching
experiments = matching.experiments if matching else {}
prototype_sets = [curate.prototypes.dataset] if curate else []
guarded_sets = (
    [
        name
        for name in curate.decontaminate.datasets
        if hasattr(study.datasets[name], "captions")
    ]
    if curate and curate.decontaminate.cosine
    else []
)
ablation_sets = (
    [*study.ablation.classification, *study.ablation.retrieval]
    if study.ablation
    else []
)
evaluation_sets = [*study.evaluate.classification, *study.evaluate.retrieval]
recipes = {
    encoder.name: encoder.recipe
    for encoder in [*study.encoders.vision, *study.encoders.text]
    if encoder.recipe is not None
}


def one_of(names):
    """Returns a wildcard constraint that admits these names and nothing else."""
    return "|".join(name.replace(".", r"\.") for name in names) or "(?!)"


wildcard_constraints:
    encoder=one_of([*vision_names, *text_names]),
    vision=one_of(vision_names),
    text=one_of(text_names),
    dataset=one_of([*study.datasets, *(curate.pool if curate else []), *layout.sets]),
    source=one_of(study.sources),
    run=one_of(sweep.runs if sweep else []),
    experiment=one_of(experiments),
    set=one_of(layout.sets),
    mix=one_of(study.mixes),
    group="discovery|chosen|pool|sets",
    view="pooled|regions|tokens|tokens-int8",
    part=r"\d{5}",


def dump(block, **choice):
    """Returns a block of the study as plain values, for change detection; None where it is absent."""
    return block.model_dump(mode="json", **choice) if block else None


def find(encoders, name):
    """Returns the block of one encoder."""
    return next(encoder for encoder in encoders if encoder.name == name)


def world_marker(block):
    """Returns the file that says that the world is complete, for blocks whose files lie in it."""
    return [layout.world / "world.json"] if uses_world(block) else []


def manifests(mode, encoder, dataset):
    """Returns the manifests of all parts of a data set under one encoder, as a mode of training needs them."""
    return [
        folder / "manifest.json"
        for folder in layout.embedding_parts(mode, encoder, dataset)
    ]


def pair_manifests(mode, vision, text, datasets):
    """Returns the manifests of data sets under both encoders of a pair."""
    return [
        path
        for encoder in (vision, text)
        for dataset in dict.fromkeys(datasets)
        for path in manifests(mode, encoder, dataset)
    ]


def training_manifests(mode, vision, text, datasets):
    """Returns what a training reads: both sides from stores, or, in mode `images`, images as they are."""
    if mode != "images":
        return pair_manifests(mode, vision, text, datasets)
    texts = [path for name in datasets for path in manifests(mode, text, name)]
    markers = [path for name in datasets for path in world_marker(study.datasets[name])]
    return texts + markers + weights_of(vision)


def chosen():
    """Returns the names of the vision and the text encoder that discovery chose."""
    with open(checkpoints.select.get().output.chosen) as file:
        pair = json.load(file)
    return pair["vision"], pair["text"]


def chosen_manifests(datasets, trained_on=()):
    """Returns an input function: the embeddings of data sets under the pair that discovery chose."""

    def inputs(wildcards):
        mode = study.train.mode
        return [
            *training_manifests(mode, *chosen(), trained_on),
            *pair_manifests(mode, *chosen(), datasets),
        ]

    return inputs


def sweep_manifests(runs):
    """Returns the embeddings that runs of the sweep read, and those on which they are measured."""
    measured = [*sweep.classification, *sweep.retrieval] if runs else []
    paths = []
    for run in runs:
        mode, datasets = sweep.runs[run].mode, sweep.runs[run].datasets
        paths += training_manifests(
            mode, sweep.vision, sweep.text, datasets or sweep.datasets
        )
        paths += pair_manifests(mode, sweep.vision, sweep.text, measured)
    return list(dict.fromkeys(paths))


def matching_manifests(sets):
    """Returns the embeddings of (encoder, data set) pairs that matching reads."""
    return [
        path
        for encoder, dataset in sets
        for path in manifests("pooled", encoder, dataset)
    ]


def experiment_manifests(wildcards):
    """Returns the embeddings that one experiment of matching reads."""
    return matching_manifests(embedded_sets(study, wildcards.experiment))


def baseline_manifests():
    """Returns the embeddings of the models that are measured beside the study's own."""
    return [
        path
        for pair in study.evaluate.baselines
        for path in pair_manifests("pooled", pair.vision, pair.text, evaluation_sets)
    ]


def chosen_weights(wildcards):
    """Returns the weights of the chosen encoders that the study made itself."""
    return [path for encoder in chosen() for path in weights_of(encoder)]


def weights_of(encoder):
    """Returns the weights of an encoder that the study makes itself; none for the others."""
    return [layout.encoder(encoder) / "model.safetensors"] if encoder in recipes else []


def recipe_inputs(wildcards):
    """Returns the data set that a recipe trains on."""
    recipe = recipes[wildcards.encoder]
    return world_marker(study.datasets[recipe.dataset]) if recipe.dataset else []


def embedding_inputs(wildcards):
    """Returns the weights and the data set that an embedding needs."""
    return [
        *weights_of(wildcards.encoder),
        *dataset_inputs(wildcards.dataset, int(wildcards.part)),
    ]


def dataset_inputs(name, part):
    """Returns what one part of a data set, of a pool or of a downloaded set is read from."""
    if name in study.datasets:
        return world_marker(study.datasets[name])
    if name in curate.pool:
        return [layout.pool(name, part), layout.duplicates]
    return [layout.download(name, part) / "report.json", layout.mixes / "kept.parquet"]


def dataset_block(wildcards):
    """Returns the block that says what is embedded."""
    if wildcards.dataset in study.datasets:
        return dump(study.datasets[wildcards.dataset])
    return dump(study.sources.get(wildcards.dataset))


def embed_block(wildcards):
    """Returns how it is embedded; the grid of regions concerns their view alone."""
    return dump(
        study.embed, exclude={"regions"} if wildcards.view != "regions" else None
    )


def encoder_block(wildcards):
    """Returns the block of the encoder that a rule works with."""
    return dump(find([*study.encoders.vision, *study.encoders.text], wildcards.encoder))


def launcher(wildcards, resources):
    """Returns how a training is started: torchrun where the profile gives it more than one process."""
    if resources.processes == 1:
        return "ligature"
    return f"torchrun --standalone --nproc-per-node {resources.processes} -m ligature.cli.main"


def record_in_dvc():
    """Tells DVC what was made, unless DVC itself is at the door or is not in use here."""
    repository = Path(".git").exists() and Path(".dvc").is_dir()
    if repository and study_file == "params.yaml" and "DVC_ROOT" not in os.environ:
        shell("ligature record")
