# Vision-language models: a language model of the study's own, connectors into it, and how well they caption.
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


rule language_model:
    input:
        lambda wildcards: [
            path
            for name in own_languages[wildcards.language].datasets
            for path in data_markers(study.datasets[name])
        ],
    output:
        weights=layout.captioning / "languages/{language}/model/model.safetensors",
        config=layout.captioning / "languages/{language}/model/config.json",
        history=layout.captioning / "languages/{language}/history.csv",
        facts=layout.captioning / "languages/{language}/training.json",
    log:
        logs / "language" / "{language}.log",
    benchmark:
        logs / "language" / "{language}.tsv"
    wildcard_constraints:
        language=one_of(own_languages),
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, cuda=8000),
        runtime=minutes(120),
        cpus_per_task=cpus,
        gpu=one_gpu,
    params:
        file=study_file,
        launch=launcher,
        recipe=lambda wildcards: dump(own_languages[wildcards.language]),
        sets=lambda wildcards: {
            name: dump(study.datasets[name])
            for name in own_languages[wildcards.language].datasets
        },
    message:
        "train the language model {wildcards.language}"
    shell:
        "{params.launch} language {wildcards.language:q} --params {params.file:q} --threads {threads}"
        " 2>&1 | tee {log:q}"


rule connect:
    input:
        connect_inputs,
    output:
        config=captioning_folder / "model/config.json",
        connector=captioning_folder / "model/connector.safetensors",
        history=captioning_folder / "history.csv",
        facts=captioning_folder / "training.json",
    log:
        logs / "connect" / "{captioner}" / "pairs-{pairs}" / "seed-{seed}.log",
    benchmark:
        logs / "connect" / "{captioner}" / "pairs-{pairs}" / "seed-{seed}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 2, cuda=16000),
        runtime=minutes(480, 120),
        cpus_per_task=cpus,
        gpu=training_gpus,
        processes=nodes * processes,
        nodes=nodes if srun_steps else None,
        mpi="srun" if srun_steps else None,
        tasks_per_node=max(processes, 2) if srun_steps else None,
        gres=f"gpu:{processes}" if srun_steps and device == "cuda" else None,
    params:
        file=study_file,
        launch=launcher,
        training=connect_block,
    message:
        "connect {wildcards.captioner}, {wildcards.pairs} pairs, seed {wildcards.seed}"
    shell:
        "{params.launch} connect {wildcards.captioner:q} --pairs {wildcards.pairs} --seed {wildcards.seed}"
        " --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule appraise:
    input:
        config=rules.connect.output.config,
        connector=rules.connect.output.connector,
        facts=rules.connect.output.facts,
        data=lambda wildcards: [
            path
            for name in [
                *captioning.evaluation,
                *stage_sets(
                    study, captioning_recipe(study, wildcards.captioner).stages[-1]
                )[0],
            ]
            for path in image_files(name)
        ],
    output:
        results=captioning_folder / "results.csv",
        captions=captioning_folder / "captions.jsonl",
        words=captioning_folder / "words.csv",
        speed=captioning_folder / "speed.json",
    log:
        logs / "appraise" / "{captioner}" / "pairs-{pairs}" / "seed-{seed}.log",
    benchmark:
        logs / "appraise" / "{captioner}" / "pairs-{pairs}" / "seed-{seed}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 2, cuda=16000),
        runtime=minutes(240),
        cpus_per_task=cpus,
        gpu=one_gpu,
    params:
        file=study_file,
        launch=launcher,
        measures=lambda wildcards: appraise_block(),
        shown=study.report.samples,
    message:
        "measure {wildcards.captioner}, {wildcards.pairs} pairs, seed {wildcards.seed}"
    shell:
        "{params.launch} appraise {wildcards.captioner:q} --pairs {wildcards.pairs} --seed {wildcards.seed}"
        " --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule captioning:
    input:
        [
            layout.captioned(*training) / name
            for training in captioned
            for name in (
                "results.csv",
                "captions.jsonl",
                "words.csv",
                "speed.json",
                "training.json",
            )
        ],
    output:
        [
            layout.captioning / name
            for name in (
                "results.csv",
                "runs.csv",
                "trajectories.csv",
                "captions.csv",
                "words.csv",
                "speed.csv",
                "metrics.json",
            )
        ],
    log:
        logs / "captioning.log",
    benchmark:
        logs / "captioning.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
        cpus_per_task=cpus,
    params:
        file=study_file,
        runs=captioned,
        blocks=dump(captioning, include={"runs", "recipes"}),
        shown=study.report.samples,
    message:
        "put captioning together"
    shell:
        "ligature captioning --params {params.file:q} 2>&1 | tee {log:q}"
