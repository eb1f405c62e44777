# Public data sets, each fetched and unpacked once into a folder that all studies share.
public_data = resource_rows()


rule unpack:
    output:
        data_folder() / "{resource}" / MARKER,
    log:
        logs / "unpack" / "{resource}.log",
    benchmark:
        logs / "unpack" / "{resource}.tsv"
    wildcard_constraints:
        resource=one_of(public_data),
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(600),
        cpus_per_task=cpus,
    params:
        rows=lambda wildcards: public_data[wildcards.resource],
    message:
        "fetch and unpack {wildcards.resource}"
    shell:
        "ligature unpack {wildcards.resource:q} 2>&1 | tee {log:q}"
