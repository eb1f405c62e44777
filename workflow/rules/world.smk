# The procedural world of captioned scenes, in the file formats of the originals.
rule world:
    output:
        marker=layout.world / "world.json",
    log:
        logs / "world.log",
    benchmark:
        logs / "world.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(60),
        cpus_per_task=cpus,
    params:
        file=study_file,
        world=dump(study.world) if study.world else None,
    message:
        "render the world"
    shell:
        "ligature world --params {params.file:q} 2>&1 | tee {log:q}"
