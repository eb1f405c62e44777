# The projector between the chosen encoders. Its checkpoint is not declared: a killed job goes on from it.
rule train:
    input:
        chosen=layout.pairs / "chosen.json",
        embeddings=chosen_manifests([study.train.validation], study.train.datasets),
    output:
        weights=layout.train / "projector.safetensors",
        config=layout.train / "projector.json",
        history=layout.train / "history.csv",
    log:
        logs / "train.log",
    benchmark:
        logs / "train.tsv"
    resources:
        processes=1,
    params:
        file=study_file,
        train=dump(study.train),
        launch=launcher,
        logs=logs / "train",
    message:
        "train the projector"
    shell:
        "{params.launch} train --params {params.file:q} --threads {threads} --log-folder {params.logs:q}"
        " 2>&1 | tee {log:q}"


rule vary:
    input:
        lambda wildcards: sweep_manifests([wildcards.run]),
    output:
        layout.sweep / "{run}" / "results.csv",
    log:
        logs / "vary" / "{run}.log",
    benchmark:
        logs / "vary" / "{run}.tsv"
    params:
        file=study_file,
        run=lambda wildcards: dump(sweep.runs[wildcards.run]),
        sweep=dump(sweep, exclude={"runs"}),
        train=dump(
            study.train,
            include={
                "projector",
                "learning_rate",
                "min_learning_rate",
                "warmup_steps",
                "weight_decay",
            },
        ),
    message:
        "sweep: {wildcards.run}"
    shell:
        "ligature vary {wildcards.run} --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule sweep:
    input:
        [layout.sweep / run / "results.csv" for run in (sweep.runs if sweep else [])],
    output:
        results=layout.sweep / "results.csv",
        costs=layout.sweep / "costs.csv",
    log:
        logs / "sweep.log",
    benchmark:
        logs / "sweep.tsv"
    params:
        file=study_file,
        runs=list(sweep.runs) if sweep else [],
    message:
        "put the sweep together"
    shell:
        "ligature sweep --params {params.file:q} 2>&1 | tee {log:q}"
