"""Pre-training in the workflow: what it waits for, what waits for it, and what a change of it makes anew."""

from collections import Counter

import pytest
from planned_jobs import planned
from study_project import Project, light_study
from tiny_study import tiny_values

RUN = "pretrained: alignclip"


def test_every_run_and_seed_is_trained_once_on_the_mix_and_the_page_waits_for_all(tmp_path):
    values = tiny_values()
    values["pretraining"]["seeds"] = [0, 1]
    values["pretraining"]["grid"]["separation"] = ["none", "image"]
    jobs = planned(values, tmp_path)
    trainings = 2 * (4 + 1)  # seeds x (combinations, and the run by name, though one of them has its settings)
    assert len(jobs.of("pretrain")) == len(jobs.of("gauge")) == trainings
    assert len(jobs.of("pretrain", RUN)) == 2
    assert all([label[0] for label in jobs.inputs(job)].count("pretrain") == 1 for job in jobs.of("gauge"))
    assert jobs.rules_before("pretraining") == {"gauge": trainings}
    assert jobs.rules_before("report")["pretraining"] == 1

    before = jobs.rules_before("pretrain", RUN, "seed: 0")
    assert before == {"world": 1, "download": 4, "assemble": 1, "embed": 4}, "two chunks of two sets"
    embedded = jobs.embedded_before("pretrain", RUN, "seed: 0")
    assert embedded == {("bag-of-words", "collected"), ("bag-of-words", "cc3m")}
    clip = "pretrained: sharing~none/separation~none/logit_scale~100.0"
    assert jobs.rules_before("pretrain", clip, "seed: 1") == {"world": 1, "download": 4, "assemble": 1}

    for encoder in ("alignclip-vision", "alignclip-text"):
        waiting = jobs.of("embed", f"encoder: {encoder}", "group: pretrained")
        assert len(waiting) == 2, "the data sets that baselines are measured on"
        for job in waiting:
            (training,) = [label for label in jobs.inputs(job) if label[0] == "pretrain"]
            assert training == ["pretrain", RUN, "seed: 0"]


def test_a_study_without_the_block_pretrains_nothing(tmp_path):
    values = tiny_values()
    values["pretraining"], values["evaluate"]["baselines"] = None, []
    for side, encoders in values["encoders"].items():
        values["encoders"][side] = [encoder for encoder in encoders if encoder["loader"] != "contrastive"]
    jobs = planned(values, tmp_path)
    assert len(jobs.of("report")) == 1
    assert not any(jobs.of(rule) for rule in ("pretrain", "gauge", "pretraining"))
    assert not jobs.of("group: pretrained")


def test_the_stage_of_data_sets_reads_these_and_only_runs_that_rescale_read_semantic_vectors(tmp_path):
    values = tiny_values()
    values["pretraining"] |= {"datasets": ["captions-train"], "mix": None, "grid": {}}
    values["pretraining"]["runs"] |= {"unscaled": {"separation": "image", "rescaling": "none"}, "clip": {}}
    jobs = planned(values, tmp_path, "stage_pretraining")
    count = Counter(label[0] for label in jobs.labels.values())
    expected = {"world": 1, "embed": 2, "pretrain": 3, "gauge": 3, "pretraining": 1, "stage_pretraining": 1}
    assert count == expected, "nothing is chosen or downloaded"
    assert jobs.embedded_before("pretrain", RUN, "seed: 0") == {("bag-of-words", "captions-train")}
    assert jobs.rules_before("pretrain", RUN, "seed: 0") == {"world": 1, "embed": 2}
    for run in ("unscaled", "clip"):
        assert jobs.rules_before("pretrain", f"pretrained: {run}", "seed: 0") == {"world": 1}


def test_the_stage_of_pretrained_embeddings_trains_what_it_embeds_with_and_nothing_else(tmp_path):
    values = tiny_values()
    values["pretraining"] |= {"datasets": ["captions-train"], "mix": None}
    values["pairs"]["vision"].append("alignclip-vision")
    jobs = planned(values, tmp_path, "stage_pretrained")
    assert len(jobs.of("pretrain")) == len(jobs.of("pretrain", RUN)) == 1
    assert not jobs.of("gauge")
    vision, text = (jobs.of("embed", f"encoder: alignclip-{side}") for side in ("vision", "text"))
    assert len(vision) == 1 + 2 + 2, "one part of the validation, two of the training and two sets of the evaluation"
    assert len(text) == 2
    assert jobs.rules_before("stage_pretrained") == {"embed": len(vision) + len(text)}


def pretrained_study() -> dict:
    """The light study with a pre-training of a few steps, whose pair is measured beside the study's own."""
    values = light_study()
    whole = tiny_values()
    for side in ("vision", "text"):
        values["encoders"][side].append(whole["encoders"][side][2])
    values["pairs"] |= {"vision": ["pixels"], "text": ["bag-of-words"]}
    values["evaluate"] |= {"classification": [], "baselines": whole["evaluate"]["baselines"]}
    values["pretraining"] = whole["pretraining"] | {
        **{"datasets": ["captions-train"], "mix": None, "batch_size": 60, "grid": {}},
        **{"classification": [], "retrieval": ["captions-val"], "probe": None},
    }
    return values


@pytest.mark.slow
def test_a_changed_pretraining_embeds_anew_with_its_encoders_alone_and_both_doors_agree(tmp_path):
    values = pretrained_study()
    project = Project(tmp_path, values)
    project.run("snakemake", "--cores", "2")
    results = project.folder / "results/tiny"
    assert "alignclip" in (results / "evaluation/results.csv").read_text(encoding="utf-8")
    assert "alignclip" in (results / "pretraining/results.csv").read_text(encoding="utf-8")
    assert project.nothing_to_do()

    measured = {"gauge": 1, "pretraining": 1, "report": 1}
    epochs = project.jobs_after(values, lambda study: study["pretraining"].update(epochs=3))
    assert epochs == measured | {"pretrain": 1, "embed": 2, "evaluate": 1, "export": 1}
    sets = project.jobs_after(values, lambda study: study["pretraining"].update(classification=["labels-val"]))
    assert sets == measured, "what is measured concerns no training"
    seeds = project.jobs_after(values, lambda study: study["pretraining"].update(seeds=[0, 1]))
    assert seeds == measured | {"pretrain": 1}

    def fewer_points(study):
        study["report"]["tsne_points"] = 20

    assert project.jobs_after(values, fewer_points) == measured | {"evaluate": 1, "export": 1}
    assert project.stages_after(values, fewer_points) == {"pretraining", "evaluation", "report"}
