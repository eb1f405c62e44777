# Captions against concept prototypes, part by part; states merged as a tree; then the selection.
rule prototypes:
    input:
        scorer_manifests(
            "vision" if curate and curate.prototypes.kind == "images" else "text",
            prototype_sets,
        ),
        trained,
    output:
        vectors=layout.curation / "prototypes.safetensors",
        facts=layout.curation / "prototypes.json",
    log:
        logs / "prototypes.log",
    benchmark:
        logs / "prototypes.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000, 2),
        runtime=minutes(30, 30),
        cpus_per_task=cpus,
    params:
        file=study_file,
        prototypes=dump(curate, include={"prototypes", "scorer"}),
    message:
        "build concept prototypes"
    shell:
        "ligature prototypes --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule score:
    input:
        part_manifest,
        scorer_manifests("text", guarded_sets),
        trained,
        layout.duplicates,
        prototypes=rules.prototypes.output.vectors,
    output:
        state=layout.curation / "top_k" / "level-0" / "state-{part}.safetensors",
        dropped=layout.curation / "top_k" / "level-0" / "state-{part}.dropped.npy",
        funnel=layout.curation / "top_k" / "level-0" / "state-{part}.json",
    log:
        logs / "score" / "{part}.log",
    benchmark:
        logs / "score" / "{part}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000, 3, cuda=4000),
        runtime=minutes(15, 15),
        cpus_per_task=cpus,
        gpu=one_gpu,
    params:
        file=study_file,
        launch=launcher,
        settings=dump(curate, include={"k", "scorer", "decontaminate"}),
        job=lambda wildcards: layout.pool_jobs[int(wildcards.part)],
    message:
        "score {params.job[0]}, part {params.job[1]}"
    shell:
        "{params.launch} score {params.job[0]} --part {params.job[1]} --params {params.file:q} --threads {threads}"
        " 2>&1 | tee {log:q}"


rule merge:
    input:
        merged_states,
    output:
        layout.curation / "top_k" / "level-{level}" / "state-{part}.safetensors",
    log:
        logs / "merge" / "{level}-{part}.log",
    benchmark:
        logs / "merge" / "{level}-{part}.tsv"
    wildcard_constraints:
        level=r"[1-9]\d*",
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(1500, 1.5),
        runtime=minutes(10),
        cpus_per_task=cpus,
    params:
        file=study_file,
        fan_in=curate.fan_in if curate else None,
        part=lambda wildcards: int(wildcards.part),
    message:
        "merge scores, level {wildcards.level}"
    shell:
        "ligature merge {wildcards.level} {params.part} --params {params.file:q} 2>&1 | tee {log:q}"


rule curate:
    input:
        layout.top_k(len(merge_levels) - 1, 0),
        [
            path.with_suffix(suffix)
            for index in range(merge_levels[0])
            for path in [layout.top_k(0, index)]
            for suffix in (".dropped.npy", ".json")
        ],
        trained,
        layout.duplicates,
        scorer_manifests("text", curate.pool if curate else []),
        prototypes=rules.prototypes.output.vectors,
    output:
        selected=layout.curation / "selected.parquet",
        random=layout.curation / "random.parquet",
        concepts=layout.curation / "concepts.csv",
        funnel=layout.curation / "selected.json",
    log:
        logs / "curate.log",
    benchmark:
        logs / "curate.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 2),
        runtime=minutes(30, 30),
        cpus_per_task=cpus,
    params:
        file=study_file,
        settings=dump(
            curate,
            include={
                "quota": True,
                "over_collect": True,
                "order": True,
                "min_score": True,
                "backfill": True,
                "seed": True,
                "duplicates": {"semantic"},
            },
        ),
    message:
        "select rows for every concept"
    shell:
        "ligature curate --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"
