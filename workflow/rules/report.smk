# The results page.
rule report:
    input:
        pairs=rules.select.output.pairs,
        chosen=layout.pairs / "chosen.json",
        history=rules.train.output.history,
        results=rules.evaluate.output.results,
        segmentation=rules.segment.output if segmentation else [],
        sweep=rules.sweep.output if sweep else [],
        matching=rules.matching.output if matching else [],
        pretraining=rules.pretraining.output if pretraining else [],
        captioning=rules.captioning.output if captioning else [],
        mixes=layout.mixes / "kept.parquet" if curate else [],
        ablation=layout.ablation / "results.csv" if study.ablation else [],
    output:
        page=layout.report / "index.html",
    log:
        logs / "report.log",
    benchmark:
        logs / "report.tsv"
    conda:
        "../envs/ligature.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
        cpus_per_task=cpus,
    params:
        file=study_file,
        study=dump(study),
    message:
        "build the results page"
    shell:
        "ligature report --params {params.file:q} 2>&1 | tee {log:q}"
