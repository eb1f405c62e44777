# Shared by all of the workflow. The study, its paths, and which embeddings a stage needs.
import os
import shlex
import sys
from functools import cache
from pathlib import Path

from ligature.cli.doors import is_recorded
from ligature.data.remote.places import MARKER, data_folder, resource_marker
from ligature.data.remote.resources import find_files, table_of_sources
from ligature.errors import DamagedError, LigatureError
from ligature.params import load_study
from ligature.params.matching_checks import embedded_sets
from ligature.params.pretraining_checks import (
    pretrained_runs,
    pretrained_source,
)
from ligature.params.study import uses_world
from ligature.store import Layout
from ligature.store.damage import read_sealed, set_aside
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger


def read_study():
    """Returns the study file and the layout of the study that was asked for."""
    unknown = set(config) - {"params", "device", "launch", "nodes", "processes"}
    if unknown:
        raise WorkflowError(
            f"--config {sorted(unknown)[0]}: unknown; choose a study with --config params=studies/NAME.yaml"
        )
    path = config.get("params", "params.yaml")
    try:
        return path, Layout(load_study(path))
    except LigatureError as error:
        raise WorkflowError(str(error))


# `ligature` is that of this Python, whether or not its environment was activated, unless a profile deploys the software.
own_programs = shlex.quote(str(Path(sys.executable).parent))
deployed = bool(workflow.deployment_settings.deployment_method)
shell.prefix(
    "set -euo pipefail; " + ("" if deployed else f"export PATH={own_programs}:$PATH; ")
)

study_file, layout = read_study()
study = layout.study

logs = Path("logs") / study.study

encoders = [*study.encoders.vision, *study.encoders.text]
compared_vision, compared_text = study.compared
curate, download, sweep = study.curate, study.download, study.sweep
sweep_runs = sweep.points if sweep else {}
segmentation, matching = study.evaluate.segmentation, study.matching
experiments = matching.experiments if matching else {}
prototype_sets = curate.prototypes.datasets if curate else []
guarded_sets = (
    [
        name
        for name in curate.decontaminate.datasets
        if hasattr(study.datasets[name], "captions")
    ]
    if curate and curate.decontaminate.cosine
    else []
)
ablated_sets = list(
    dict.fromkeys(name for mix in study.ablated for name in study.mixes[mix].sets)
)
ablation_sets = (
    [*study.ablation.classification, *study.ablation.retrieval]
    if study.ablation
    else []
)
evaluation_sets = [*study.evaluate.classification, *study.evaluate.retrieval]
recipes = {
    encoder.name: encoder.recipe for encoder in encoders if encoder.recipe is not None
}
pretraining, captioning = study.pretraining, study.captioning
pretrained_weights = {
    pretrained_source(*training): layout.pretrained(*training)
    / "model/model.safetensors"
    for training in pretrained_runs(study)
}


def one_of(names):
    """Returns a wildcard constraint that admits these names and nothing else."""
    return "|".join(name.replace(".", r"\.") for name in names) or "(?!)"


wildcard_constraints:
    encoder=one_of([encoder.name for encoder in encoders]),
    vision=one_of([encoder.name for encoder in study.encoders.vision]),
    text=one_of([encoder.name for encoder in study.encoders.text]),
    dataset=one_of([*study.datasets, *(curate.pool if curate else []), *layout.sets]),
    source=one_of(study.sources),
    run=one_of(sweep_runs),
    experiment=one_of(experiments),
    set=one_of(layout.sets),
    mix=one_of(study.mixes),
    group="discovery|chosen|pool|sets|pretrained",
    pretrained=one_of(pretraining.points if pretraining else []),
    captioner=one_of(captioning.runs if captioning else []),
    pairs=r"all|\d+",
    seed=r"\d+",
    view="pooled|regions|tokens|tokens-int8",
    part=r"\d{5}",


def dump(block, **choice):
    """Returns a block of the study as plain values, for change detection; None where it is absent."""
    return block.model_dump(mode="json", **choice) if block else None


def find(encoders, name):
    """Returns the block of one encoder."""
    return next(encoder for encoder in encoders if encoder.name == name)


def data_markers(block):
    """Returns the files that say that the data of a block are whole: the world's, and those of public resources."""
    world = [layout.world / "world.json"] if uses_world(block) else []
    return world + [resource_marker(key) for key in getattr(block, "resources", [])]


def resource_rows():
    """Returns what decides the content of every public resource of the study; an unknown one stops the workflow."""
    keys = {key for block in study.datasets.values() for key in block.resources}
    facts = ("address", "path", "parts", "sha256")
    table = Path(workflow.basedir) / table_of_sources()
    try:
        rows = {key: find_files(table, key) for key in sorted(keys)}
    except LigatureError as error:
        raise WorkflowError(str(error))
    return {
        key: [[str(getattr(row, fact)) for fact in facts] for row in found]
        for key, found in rows.items()
    }


@cache
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
    images = [path for name in datasets for path in image_files(name)]
    return texts + images + weights_of(vision)


def image_files(name):
    """Returns what the images of a data set or of a downloaded set are read from."""
    if name in study.datasets:
        return data_markers(study.datasets[name])
    reports = [folder / "report.json" for folder in layout.download_chunks(name)]
    return [*reports, layout.mixes / "kept.parquet"]


def chosen():
    """Returns the names of the vision and the text encoder: those that the study fixes, or that discovery chose."""
    if study.pairs.choose:
        return study.pairs.choose.vision, study.pairs.choose.text
    try:
        pair = read_sealed(Path(checkpoints.select.get().output.chosen))
    except DamagedError as error:
        raise WorkflowError(f"{error}; {set_aside(error.declared)}")
    return pair["vision"], pair["text"]


def chosen_manifests(datasets, trained_on=(), mode=study.train.mode):
    """Returns an input function: the embeddings of data sets under the chosen pair, as a mode of training needs them."""

    def inputs(wildcards):
        return [
            *training_manifests(mode, *chosen(), trained_on),
            *pair_manifests(mode, *chosen(), datasets),
        ]

    return inputs


def sweep_manifests(runs):
    """Returns the embeddings that runs of the sweep read, and those on which they are measured."""
    measured = [*sweep.classification, *sweep.retrieval] if runs else []
    paths = []
    for run in map(sweep_runs.get, runs):
        datasets = run.datasets or sweep.datasets
        paths += training_manifests(run.mode, *sweep.pair(run), datasets)
        paths += pair_manifests(run.mode, *sweep.pair(run), measured)
    return list(dict.fromkeys(paths))


def sweep_training(wildcards):
    """Returns everything that decides the training of one run of the sweep."""
    run = sweep_runs[wildcards.run]
    training = dump(sweep.training(run, study.train), exclude={"validation", "seed"})
    return training | {"pair": sweep.pair(run), "variants": run.variants}


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
    """Returns the weights of an encoder that the study makes or pre-trains itself; none for the others."""
    if encoder in recipes:
        return [layout.encoder(encoder) / "model.safetensors"]
    source = find(encoders, encoder).source
    return [pretrained_weights[source]] if source in pretrained_weights else []


def recipe_inputs(wildcards):
    """Returns the data set that a recipe trains on."""
    recipe = recipes[wildcards.encoder]
    return data_markers(study.datasets[recipe.dataset]) if recipe.dataset else []


def embedding_inputs(wildcards):
    """Returns the weights and the data set that an embedding needs."""
    return [
        *weights_of(wildcards.encoder),
        *dataset_inputs(wildcards.dataset, int(wildcards.part)),
    ]


def dataset_inputs(name, part):
    """Returns what one part of a data set, of a pool or of a downloaded set is read from."""
    if name in study.datasets:
        return data_markers(study.datasets[name])
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
    return dump(find(encoders, wildcards.encoder))


def versions_kept():
    """Whether DVC keeps versions of this study's results, and is not itself at the door."""
    repository = Path(".git").exists() and Path(".dvc").is_dir()
    return repository and study_file == "params.yaml" and "DVC_ROOT" not in os.environ


def record_in_dvc():
    """Tells DVC what was made."""
    if versions_kept():
        shell(f"{own_programs}/ligature record")


def how_to_take_over():
    """Returns what to type where results stand here that Snakemake knows nothing of, as after a bare `dvc pull`."""
    if not (workflow.is_main_process and versions_kept() and Path("dvc.lock").exists()):
        return None
    results = [
        layout.world / "world.json",
        layout.pairs / "chosen.json",
        layout.train / "projector.safetensors",
        layout.evaluation / "results.csv",
        layout.report / "index.html",
    ]
    unknown = [path for path in results if path.exists() and not is_recorded(path)]
    return unknown and (
        f"{unknown[0]}: Snakemake does not know how it was made, as after a bare `dvc pull`; "
        "type `make pull` (or `ligature pull`), which checks the results and takes them over"
    )


def stop_before_all_is_made_again():
    """Stops a run that would make again, or take unseen for up to date, what only has to be taken over."""
    hint = how_to_take_over()
    if hint and not workflow.touch and not workflow.dag_settings.forceall:
        raise WorkflowError(hint)


if how_to_take_over():
    logger.warning(how_to_take_over())
