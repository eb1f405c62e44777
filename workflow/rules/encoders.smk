# Encoders that the study makes itself.
rule encoder:
    input:
        recipe_inputs,
    output:
        config=layout.root / "encoders" / "{encoder}" / "config.json",
        weights=layout.root / "encoders" / "{encoder}" / "model.safetensors",
    log:
        logs / "encoder" / "{encoder}.log",
    benchmark:
        logs / "encoder" / "{encoder}.tsv"
    wildcard_constraints:
        encoder=one_of(recipes),
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=minutes(120),
        cpus_per_task=cpus,
    params:
        file=study_file,
        recipe=lambda wildcards: dump(recipes[wildcards.encoder]),
    message:
        "make the encoder {wildcards.encoder}"
    shell:
        "ligature encoder {wildcards.encoder} --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"
