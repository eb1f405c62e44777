# The projector between the chosen encoders. Its checkpoint is not declared: a killed job goes on from it.
rule train:
    input:
        chosen=layout.pairs / "chosen.json",
        embeddings=chosen_manifests([*study.train.datasets, study.train.validation]),
    output:
        weights=layout.train / "projector.safetensors",
        config=layout.train / "projector.json",
        history=layout.train / "history.csv",
    log:
        logs / "train.log",
    benchmark:
        logs / "train.tsv"
    params:
        file=study_file,
        train=dump(study.train),
    message:
        "train the projector"
    shell:
        "ligature train --params {params.file:q} --threads {threads} 2>&1 | tee {log:q}"
