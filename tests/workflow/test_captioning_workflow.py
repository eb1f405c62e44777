"""Captioning in the workflow: what it waits for, what waits for it, and what a change of it makes anew."""

import pytest
from planned_jobs import planned
from study_project import Project, light_study
from tiny_study import tiny_values

ALIGN = "captioner: align"


def captioning_study() -> dict:
    """Returns the light study with captioning on data sets alone, under the encoder that is no model."""
    values, whole = light_study(), tiny_values()
    block = whole["captioning"]
    block["recipes"]["brief"]["vision"] = values["encoders"]["vision"][0]["name"]
    for stage in block["recipes"]["brief"]["stages"]:
        stage.pop("mix", None)
        stage["datasets"] = ["captions-train"]
    block["runs"] = {"align": block["runs"]["align"]}
    values["datasets"]["captions-read"] = whole["datasets"]["captions-read"]
    values["captioning"] = block
    return values


def test_every_run_size_and_seed_is_one_training_and_one_measurement(tmp_path):
    values = tiny_values()
    values["captioning"] |= {"pairs": [24, None], "seeds": [0, 1]}
    values["captioning"]["runs"]["mlp"]["pairs"] = [24]
    jobs = planned(values, tmp_path, "stage_captioning")
    assert len(jobs.of("language_model")) == 1
    assert len(jobs.of("connect", ALIGN)) == 4
    assert len(jobs.of("connect", "captioner: mlp")) == 2
    assert len(jobs.of("appraise")) == 6
    # a file of each training is collected, beside what was measured on it
    assert jobs.rules_before("captioning") == {"appraise": 6, "connect": 6}


def test_a_training_waits_for_its_images_its_encoder_and_its_language_model(tmp_path):
    jobs = planned(tiny_values(), tmp_path)
    before = jobs.rules_before("connect", ALIGN)
    assert before == {"world": 1, "encoder": 1, "language_model": 1, "download": 4, "assemble": 1}
    assert jobs.rules_before("language_model") == {"world": 1}
    assert jobs.rules_before("report")["captioning"] == 1


def test_a_language_model_of_a_source_is_not_trained(tmp_path):
    values = tiny_values()
    values["captioning"]["languages"] = {"storyteller": {"source": "somebody/a-model"}}
    values["captioning"]["recipes"]["brief"]["stages"] = [
        {"datasets": ["captions-train"], "learning_rates": {"connector": 0.1}}
    ]
    jobs = planned(values, tmp_path, "stage_captioning")
    assert not jobs.of("language_model")
    assert jobs.rules_before("connect", ALIGN) == {"world": 1, "encoder": 1}


def test_a_study_without_the_block_captions_nothing(tmp_path):
    jobs = planned(tiny_values() | {"captioning": None}, tmp_path)
    assert not any(jobs.of(rule) for rule in ("language_model", "connect", "appraise", "captioning"))


@pytest.mark.slow
def test_a_changed_measure_trains_nothing_and_a_changed_connector_alone_is_trained(tmp_path):
    values = captioning_study()
    project = Project(tmp_path, values)
    project.run("snakemake", "--cores", "2")
    assert "align" in (project.folder / "results/tiny/captioning/results.csv").read_text(encoding="utf-8")
    assert project.nothing_to_do()

    measured = {"appraise": 1, "captioning": 1, "report": 1}
    shots = project.jobs_after(values, lambda study: study["captioning"].update(shots=[0]))
    assert shots == measured
    seeds = project.jobs_after(values, lambda study: study["captioning"].update(seeds=[0, 1]))
    assert seeds == measured | {"connect": 1}

    def other_rate(study):
        study["captioning"]["recipes"]["brief"]["stages"][0]["learning_rates"]["connector"] = 0.02

    assert project.jobs_after(values, other_rate) == measured | {"connect": 1}

    def one_more_run(study):
        study["captioning"]["runs"]["mlp"] = {"recipe": "brief", "connector": {"kind": "mlp"}}

    assert project.jobs_after(values, one_more_run) == measured | {"connect": 1}
    assert project.stages_after(values, one_more_run) == {"captioning", "report"}


def test_a_mix_for_captions_alone_is_downloaded_and_not_embedded(tmp_path):
    values = tiny_values()
    values["mixes"] = {"class-collected": {"sets": ["collected"]}, "both": {"sets": ["collected", "cc3m"]}}
    values["ablation"]["mixes"] = ["class-collected"]
    values["pretraining"] |= {"mix": None, "datasets": ["captions-train"]}
    jobs = planned(values, tmp_path)
    assert len(jobs.of("ablate")) == 1
    assert len(jobs.of("download", "set: cc3m")) == 2
    assert not jobs.of("embed", "dataset: cc3m")
    assert jobs.rules_before("connect", ALIGN)["download"] == 4
