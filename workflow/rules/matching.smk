# Matching and retrieval across unaligned encoders, with no training.
rule match_experiment:
    input:
        experiment_manifests,
    output:
        results=layout.matching / "{experiment}" / "results.csv",
        seedwise=layout.matching / "{experiment}" / "seedwise.csv",
        samples=layout.matching / "{experiment}" / "samples.json",
    log:
        logs / "matching" / "{experiment}.log",
    benchmark:
        logs / "matching" / "{experiment}.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000, 3),
        runtime=minutes(240, 60),
        cpus_per_task=cpus,
    params:
        file=study_file,
        experiment=lambda wildcards: dump(experiments[wildcards.experiment]),
        samples=matching.samples if matching else 0,
    message:
        "match: {wildcards.experiment}"
    shell:
        "ligature match-experiment {wildcards.experiment} --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"


rule matching:
    input:
        matching_manifests(embedded_sets(study)),
        experiments=[layout.matching / name / "results.csv" for name in experiments],
    output:
        results=layout.matching / "results.csv",
        seedwise=layout.matching / "seedwise.csv",
        cka=layout.matching / "cka.csv",
        samples=layout.matching / "samples.json",
    log:
        logs / "matching.log",
    benchmark:
        logs / "matching.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000, 4),
        runtime=minutes(60, 30),
        cpus_per_task=cpus,
    params:
        file=study_file,
        shuffles=matching.shuffles if matching else [],
    message:
        "put matching together"
    shell:
        "ligature matching --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"
