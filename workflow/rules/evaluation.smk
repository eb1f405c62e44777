# Zero-shot classification and retrieval of the aligned pair.
rule evaluate:
    input:
        chosen=layout.pairs / "chosen.json",
        projector=rules.train.output.weights,
        embeddings=chosen_manifests(
            [*study.evaluate.classification, *study.evaluate.retrieval]
        ),
    output:
        results=layout.evaluation / "results.csv",
        metrics=layout.evaluation / "metrics.json",
        samples=layout.evaluation / "samples.json",
    log:
        logs / "evaluate.log",
    benchmark:
        logs / "evaluate.tsv"
    params:
        file=study_file,
        evaluate=dump(study.evaluate),
        pictures=study.report.model_dump(mode="json", exclude={"title"}),
    message:
        "evaluate the aligned pair"
    shell:
        "ligature evaluate --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"
