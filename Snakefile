from ligature.cli.repair import lost_files
from snakemake.utils import min_version

min_version("9.22")


# With `--sdm apptainer` every rule runs in this image, which apptainer.def says how to build.
container: "build/ligature.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/world.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/embeddings.smk"
include: "workflow/rules/pairs.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/matching.smk"
include: "workflow/rules/pretraining_inputs.smk"
include: "workflow/rules/pretraining.smk"
include: "workflow/rules/captioning_inputs.smk"
include: "workflow/rules/captioning.smk"
include: "workflow/rules/curation_inputs.smk"
include: "workflow/rules/pool.smk"
include: "workflow/rules/curation.smk"
include: "workflow/rules/mixes.smk"
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
    stage_segmentation,
    stage_model,
    stage_sweep,
    stage_matching,
    stage_pretraining,
    stage_pretrained,
    stage_captioning,
    stage_pool,
    stage_captions,
    stage_curation,
    stage_download,
    stage_mixes,
    stage_sets,
    stage_ablation,


rule all:
    default_target: True
    input:
        layout.report / "index.html",
        rules.export.output,
        lost_files(layout.root),


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
            for vision in compared_vision
            for text in compared_text
        ],
        semantic_manifests(),


rule stage_pairs:
    input:
        layout.pairs / "chosen.json",


rule stage_chosen:
    input:
        chosen_manifests(
            [study.train.validation, *evaluation_sets, *ablation_sets],
            study.train.datasets,
        ),
        sweep_manifests(sweep_runs),
        baseline_manifests(),
        matching_manifests(embedded_sets(study)),
        scorer_manifests("vision", prototype_sets),
        scorer_manifests("text", [*prototype_sets, *guarded_sets]),


rule stage_train:
    input:
        rules.train.output.weights,


rule stage_evaluation:
    input:
        rules.evaluate.output.results,


rule stage_segmentation:
    input:
        rules.segment.output if segmentation else [],


rule stage_model:
    input:
        rules.export.output,


rule stage_sweep:
    input:
        rules.sweep.output if sweep else [],


rule stage_matching:
    input:
        rules.matching.output if matching else [],


rule stage_pretraining:
    input:
        rules.pretraining.output if pretraining else [],


rule stage_pretrained:
    input:
        pretrained_manifests(),


rule stage_captioning:
    input:
        rules.captioning.output if captioning else [],


rule stage_pool:
    input:
        rules.dedupe.output if curate else [],


rule stage_captions:
    input:
        scorer_manifests("text", curate.pool if curate else []),


rule stage_curation:
    input:
        rules.curate.output if curate else [],


rule stage_download:
    input:
        all_reports,


rule stage_mixes:
    input:
        rules.assemble.output if curate else [],


rule stage_sets:
    input:
        chosen_manifests(ablated_sets, mode="pooled"),
        chosen_manifests(
            [], [name for name in study.train.datasets if name in layout.sets]
        ),


rule stage_ablation:
    input:
        rules.ablation.output if study.ablation else [],


onstart:
    stop_before_all_is_made_again()


onsuccess:
    record_in_dvc()
