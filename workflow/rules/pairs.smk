# Which encoder pair agrees best, and whether that predicts retrieval.
probe_datasets = [study.pairs.probe.train, study.pairs.probe.test]


rule compare:
    input:
        [
            path
            for encoder in [*compared_vision, *compared_text]
            for dataset in study.pairs.datasets
            for path in manifests("pooled", encoder, dataset)
        ],
    output:
        layout.pairs / "similarity.csv",
    log:
        logs / "compare.log",
    benchmark:
        logs / "compare.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000, 4),
        runtime=minutes(60, 60),
        cpus_per_task=cpus,
    params:
        file=study_file,
        pairs=study.pairs.model_dump(
            mode="json", exclude={"choose", "rank_by", "probe"}
        ),
    message:
        "compare all encoder pairs"
    shell:
        "ligature compare --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule probe:
    input:
        lambda wildcards: [
            path
            for encoder in [wildcards.vision, *compared_text]
            for dataset in dict.fromkeys(probe_datasets)
            for path in manifests("pooled", encoder, dataset)
        ],
    output:
        [layout.probe("{vision}", text) for text in compared_text],
    log:
        logs / "probe" / "{vision}.log",
    benchmark:
        logs / "probe" / "{vision}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000, 3, cuda=4000),
        runtime=minutes(60, 30),
        cpus_per_task=cpus,
        gpu=one_gpu,
    params:
        file=study_file,
        launch=launcher,
        probe=dump(study.pairs.probe),
        projector=study.train.projector.model_dump(mode="json", exclude={"embed_dim"}),
    message:
        "probe {wildcards.vision} with every text encoder"
    shell:
        "{params.launch} probe {wildcards.vision} --params {params.file:q} --threads {threads}"
        " 2>&1 | tee {log:q}"


checkpoint select:
    input:
        similarity=rules.compare.output,
        probes=expand(
            layout.probe("{vision}", "{text}"),
            vision=compared_vision,
            text=compared_text,
        ),
    output:
        pairs=layout.pairs / "pairs.csv",
        correlations=layout.pairs / "correlations.csv",
        chosen=layout.pairs / "chosen.json",
    log:
        logs / "select.log",
    benchmark:
        logs / "select.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
        cpus_per_task=cpus,
    params:
        file=study_file,
        choice=study.pairs.model_dump(mode="json", include={"choose", "rank_by"}),
    message:
        "choose the pair"
    shell:
        "ligature select --params {params.file:q} 2>&1 | tee {log:q}"
