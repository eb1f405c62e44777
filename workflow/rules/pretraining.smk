# Contrastive pre-training of both encoders from scratch, and how the gap that it leaves is measured.
rule pretrain:
    input:
        pretraining_inputs,
    output:
        weights=layout.pretraining
        / "{pretrained}"
        / "seed-{seed}"
        / "model/model.safetensors",
        config=layout.pretraining / "{pretrained}" / "seed-{seed}" / "model/config.json",
        history=layout.pretraining / "{pretrained}" / "seed-{seed}" / "history.csv",
        facts=layout.pretraining / "{pretrained}" / "seed-{seed}" / "training.json",
    log:
        logs / "pretrain" / "{pretrained}" / "seed-{seed}.log",
    benchmark:
        logs / "pretrain" / "{pretrained}" / "seed-{seed}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 1, cuda=8000),
        runtime=minutes(480, 60),
        cpus_per_task=cpus,
        gpu=one_gpu,
    params:
        file=study_file,
        launch=launcher,
        training=pretraining_block,
        run=lambda wildcards: dump(pretraining.points[wildcards.pretrained]),
    message:
        "pre-train {wildcards.pretrained}, seed {wildcards.seed}"
    shell:
        "{params.launch} pretrain {wildcards.pretrained:q} --seed {wildcards.seed} --params {params.file:q}"
        " --threads {threads} 2>&1 | tee {log:q}"


rule gauge:
    input:
        weights=rules.pretrain.output.weights,
        history=rules.pretrain.output.history,
        data=[path for name in gauged_sets for path in image_files(name)],
    output:
        results=layout.pretraining / "{pretrained}" / "seed-{seed}" / "results.csv",
        similarities=layout.pretraining
        / "{pretrained}"
        / "seed-{seed}"
        / "similarities.csv",
        plane=layout.pretraining / "{pretrained}" / "seed-{seed}" / "features_2d.csv",
    log:
        logs / "gauge" / "{pretrained}" / "seed-{seed}.log",
    benchmark:
        logs / "gauge" / "{pretrained}" / "seed-{seed}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, cuda=4000),
        runtime=minutes(120),
        cpus_per_task=cpus,
        gpu=one_gpu,
    params:
        file=study_file,
        launch=launcher,
        measures=gauge_block,
        points=study.report.tsne_points,
        seed=study.report.seed,
        skipped=study.embed.max_skipped,
        workers=lambda wildcards, threads: threads - 1,
    message:
        "measure {wildcards.pretrained}, seed {wildcards.seed}"
    shell:
        "{params.launch} gauge {wildcards.pretrained:q} --seed {wildcards.seed} --params {params.file:q}"
        " --threads {threads} --workers {params.workers} 2>&1 | tee {log:q}"


rule pretraining:
    input:
        [
            layout.pretrained(run, seed) / "results.csv"
            for run, seed in pretrained_runs(study)
        ],
    output:
        [
            layout.pretraining / name
            for name in (
                "results.csv",
                "runs.csv",
                "trajectories.csv",
                "similarities.csv",
                "features_2d.csv",
                "metrics.json",
            )
        ],
    log:
        logs / "pretraining.log",
    benchmark:
        logs / "pretraining.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
        cpus_per_task=cpus,
    params:
        file=study_file,
        runs=pretrained_runs(study),
    message:
        "put pre-training together"
    shell:
        "ligature pretraining --params {params.file:q} 2>&1 | tee {log:q}"
