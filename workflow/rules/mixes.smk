# The selected rows as images: downloaded, checked, put together into mixes, and trained on.
# Only the report is declared: a killed job finds the shards that it had finished.
rule download:
    input:
        set_inputs,
    output:
        layout.root / "download" / "{set}" / "chunk-{part}" / "report.json",
    log:
        logs / "download" / "{set}-{part}.log",
    benchmark:
        logs / "download" / "{set}-{part}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
        cpus_per_task=cpus,
    params:
        file=study_file,
        download=dump(download),
        part=lambda wildcards: int(wildcards.part),
    message:
        "download {wildcards.set}, chunk {params.part}"
    shell:
        "ligature download {wildcards.set} --chunk {params.part} --params {params.file:q} 2>&1 | tee {log:q}"


rule assemble:
    input:
        all_reports,
        all_pool_parts,
        layout.duplicates,
        rules.curate.output,
        [
            path
            for name in (curate.decontaminate.datasets if curate else [])
            for path in data_markers(study.datasets[name])
        ],
    output:
        kept=layout.mixes / "kept.parquet",
        mixes=layout.mixes / "mixes.csv",
        funnel=layout.mixes / "funnel.csv",
    log:
        logs / "assemble.log",
    benchmark:
        logs / "assemble.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000, 3),
        runtime=minutes(60, 30),
        cpus_per_task=cpus,
    params:
        file=study_file,
        mixes={name: dump(mix) for name, mix in study.mixes.items()},
        settings=dump(
            curate,
            include={
                "quota": True,
                "decontaminate": True,
                "duplicates": {"image_bits"},
            },
        ),
    message:
        "check the images and assemble the mixes"
    shell:
        "ligature assemble --params {params.file:q} 2>&1 | tee {log:q}"


rule ablate:
    input:
        chosen=layout.pairs / "chosen.json",
        kept=rules.assemble.output.kept,
        embeddings=lambda wildcards: chosen_manifests(
            [*study.mixes[wildcards.mix].sets, *ablation_sets], mode="pooled"
        )(wildcards),
    output:
        results=layout.ablation / "{mix}" / "results.csv",
    log:
        logs / "ablate" / "{mix}.log",
    benchmark:
        logs / "ablate" / "{mix}.tsv"
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
        mix=lambda wildcards: dump(study.mixes[wildcards.mix]),
        train=dump(
            study.train, exclude={"datasets", "validation", "mode", "epochs", "seed"}
        ),
        ablation=dump(study.ablation),
    message:
        "train on {wildcards.mix}"
    shell:
        "{params.launch} ablate {wildcards.mix} --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule ablation:
    input:
        [layout.ablation / mix / "results.csv" for mix in study.ablated],
    output:
        layout.ablation / "results.csv",
    log:
        logs / "ablation.log",
    benchmark:
        logs / "ablation.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
        cpus_per_task=cpus,
    params:
        file=study_file,
        mixes=study.ablated,
    message:
        "put the ablation together"
    shell:
        "ligature ablation --params {params.file:q} 2>&1 | tee {log:q}"
