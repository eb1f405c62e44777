# One store a data set part and encoder. Only the manifest is declared: a killed job finds its shards again.
rule embed:
    input:
        embedding_inputs,
    output:
        layout.root
        / "embeddings"
        / "{group}"
        / "{view}"
        / "{encoder}"
        / "{dataset}"
        / "part-{part}"
        / "manifest.json",
    log:
        logs / "embed" / "{group}-{view}-{encoder}-{dataset}-{part}.log",
    benchmark:
        logs / "embed" / "{group}-{view}-{encoder}-{dataset}-{part}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 4, cuda=4000),
        runtime=minutes(120, 120),
        cpus_per_task=cpus,
        gpu=one_gpu,
    params:
        file=study_file,
        launch=launcher,
        encoder=encoder_block,
        dataset=dataset_block,
        embed=embed_block,
        part=lambda wildcards: int(wildcards.part),
        workers=lambda wildcards, threads: threads - 1,
    message:
        "embed {wildcards.dataset} with {wildcards.encoder}"
    shell:
        "{params.launch} embed {wildcards.encoder} {wildcards.dataset} --part {params.part} --view {wildcards.view}"
        " --params {params.file:q} --workers {params.workers} 2>&1 | tee {log:q}"
