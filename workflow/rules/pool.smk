# From the files of sources to tables of wanted rows, each standing there once.
rule fetch:
    output:
        layout.root / "sources" / "{source}" / "part-{part}",
    log:
        logs / "fetch" / "{source}-{part}.log",
    benchmark:
        logs / "fetch" / "{source}-{part}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(240),
        cpus_per_task=cpus,
    params:
        file=study_file,
        resource=lambda wildcards: study.sources[wildcards.source].resource,
        part=lambda wildcards: int(wildcards.part),
    message:
        "fetch {wildcards.source}, file {params.part}"
    shell:
        "ligature fetch {wildcards.source} --file {params.part} --params {params.file:q} 2>&1 | tee {log:q}"


rule pool:
    input:
        source_inputs,
    output:
        table=layout.root / "pool" / "{source}" / "part-{part}.parquet",
        funnel=layout.root / "pool" / "{source}" / "part-{part}.json",
    log:
        logs / "pool" / "{source}-{part}.log",
    benchmark:
        logs / "pool" / "{source}-{part}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000, 6),
        runtime=minutes(30, 60),
        cpus_per_task=cpus,
    params:
        file=study_file,
        source=lambda wildcards: dump(
            study.sources[wildcards.source], exclude={"sample"}
        ),
        filters=dump(curate, include={"filters", "decontaminate"}),
        part=lambda wildcards: int(wildcards.part),
    message:
        "read {wildcards.source}, part {params.part}"
    shell:
        "ligature pool {wildcards.source} --part {params.part} --params {params.file:q} 2>&1 | tee {log:q}"


rule dedupe:
    input:
        all_pool_parts,
    output:
        table=layout.duplicates,
        funnel=layout.duplicates.with_suffix(".json"),
    log:
        logs / "dedupe.log",
    benchmark:
        logs / "dedupe.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000, 3),
        runtime=minutes(30, 30),
        cpus_per_task=cpus,
    params:
        file=study_file,
        samples={
            name: dump(source, include={"sample"})
            for name, source in study.sources.items()
        },
        duplicates=dump(
            curate,
            include={
                "pool": True,
                "captioned": True,
                "duplicates": {"url", "caption"},
            },
        ),
    message:
        "find duplicate rows"
    shell:
        "ligature dedupe --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"
