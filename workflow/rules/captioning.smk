# Vision-language models: a language model of the study's own, connectors into it, and how well they caption.
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
