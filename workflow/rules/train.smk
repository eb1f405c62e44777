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
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 2, cuda=4000),
        runtime=minutes(240, 60),
        cpus_per_task=cpus,
        gpu=training_gpus,
        processes=nodes * processes,
        nodes=nodes if srun_steps else None,
        mpi="srun" if srun_steps else None,
        tasks_per_node=max(processes, 2) if srun_steps else None,
        gres=f"gpu:{processes}" if srun_steps and device == "cuda" else None,
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
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 2, cuda=4000),
        runtime=minutes(120, 30),
        cpus_per_task=cpus,
        gpu=one_gpu,
    params:
        file=study_file,
        launch=launcher,
        training=sweep_training,
        sweep=dump(sweep, include={"classification", "retrieval", "seeds"}),
    message:
        "sweep: {wildcards.run}"
    shell:
        "{params.launch} vary {wildcards.run:q} --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule sweep:
    input:
        [layout.sweep / run / "results.csv" for run in sweep_runs],
    output:
        results=layout.sweep / "results.csv",
        costs=layout.sweep / "costs.csv",
    log:
        logs / "sweep.log",
    benchmark:
        logs / "sweep.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
        cpus_per_task=cpus,
    params:
        file=study_file,
        runs=list(sweep_runs),
    message:
        "put the sweep together"
    shell:
        "ligature sweep --params {params.file:q} 2>&1 | tee {log:q}"
