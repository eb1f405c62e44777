# What the aligned pair can do without further training, and the pair as a model to take away.
rule evaluate:
    input:
        baseline_manifests(),
        chosen=layout.pairs / "chosen.json",
        projector=rules.train.output.weights,
        embeddings=chosen_manifests(evaluation_sets),
    output:
        results=layout.evaluation / "results.csv",
        metrics=layout.evaluation / "metrics.json",
        samples=layout.evaluation / "samples.json",
    log:
        logs / "evaluate.log",
    benchmark:
        logs / "evaluate.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 3),
        runtime=minutes(60, 30),
        cpus_per_task=cpus,
    params:
        file=study_file,
        evaluate=dump(study.evaluate, exclude={"segmentation"}),
        pictures=study.report.model_dump(mode="json", exclude={"title"}),
    message:
        "evaluate the aligned pair"
    shell:
        "ligature evaluate --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule segment:
    input:
        chosen_weights,
        [
            path
            for name in (segmentation.datasets if segmentation else [])
            for path in data_markers(study.datasets[name])
        ],
        chosen=layout.pairs / "chosen.json",
        projector=rules.train.output.weights,
    output:
        results=layout.segmentation / "results.csv",
    log:
        logs / "segment.log",
    benchmark:
        logs / "segment.tsv"
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
        segmentation=dump(segmentation),
    message:
        "segment with projected patches"
    shell:
        "{params.launch} segment --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule export:
    input:
        chosen_weights,
        layout.pairs / "chosen.json",
        rules.train.output,
        rules.evaluate.output.results,
        rules.segment.output if segmentation else [],
    output:
        layout.model / "README.md",
    log:
        logs / "export.log",
    benchmark:
        logs / "export.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(15),
        cpus_per_task=cpus,
    params:
        file=study_file,
    message:
        "export the pair as a model"
    shell:
        "ligature export --params {params.file:q} 2>&1 | tee {log:q}"
