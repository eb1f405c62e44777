from snakemake.utils import min_version

min_version("9.22")


include: "workflow/rules/common.smk"
include: "workflow/rules/world.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/embeddings.smk"
include: "workflow/rules/pairs.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/report.smk"


localrules:
    all,
    stage_world,
    stage_encoders,
    stage_discovery,
    stage_pairs,
    stage_chosen,
    stage_train,
    stage_evaluation,


rule all:
    default_target: True
    input:
        layout.report / "index.html",


# One target a stage of dvc.yaml.
rule stage_world:
    input:
        layout.world / "world.json" if study.world else [],


rule stage_encoders:
    input:
        [layout.encoder(name) / "model.safetensors" for name in recipes],


rule stage_discovery:
    input:
        rules.compare.input,
        [
            pair_manifests("pooled", vision, text, probe_datasets)
            for vision in vision_names
            for text in text_names
        ],


rule stage_pairs:
    input:
        layout.pairs / "chosen.json",


rule stage_chosen:
    input:
        chosen_manifests(used_datasets),


rule stage_train:
    input:
        rules.train.output.weights,


rule stage_evaluation:
    input:
        rules.evaluate.output.results,


onsuccess:
    record_in_dvc()
