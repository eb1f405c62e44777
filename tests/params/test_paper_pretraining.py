"""The pre-training of the paper study: the published hyper-parameters, its runs, and what they are measured on."""

import re
from pathlib import Path

import pytest

from ligature.data.benchmarks import READERS
from ligature.data.remote.resources import read_sources
from ligature.params import load_study
from ligature.params.pretraining_checks import pretraining_sets

ROOT = Path(__file__).parents[2]
STUDY = load_study(ROOT / "studies/paper.yaml")
BLOCK = STUDY.pretraining
MEASURED = [*BLOCK.classification, *BLOCK.retrieval]


def test_the_published_settings_of_the_training():
    assert (BLOCK.epochs, BLOCK.batch_size, BLOCK.learning_rate, BLOCK.min_learning_rate) == (30, 512, 0.001, 0.0)
    assert (BLOCK.warmup_steps, BLOCK.weight_decay, BLOCK.beta2, BLOCK.eps) == (10_000, 0.1, 0.98, 1e-6)
    assert (BLOCK.crop, BLOCK.seeds) == ([0.9, 1.0], [0])


def test_the_published_towers():
    towers = BLOCK.towers
    assert (towers.image_size, towers.patch_size, towers.context_length) == (224, 16, 77)
    assert (towers.width, towers.layers, towers.heads, towers.embed_dim) == (768, 12, 12, 768)
    assert (towers.text_width, towers.text_layers, towers.text_heads) == (None, None, None)


def test_the_published_runs_with_the_weights_and_the_temperature_of_their_losses():
    runs = {name: (run.sharing, run.separation) for name, run in BLOCK.points.items()}
    assert runs == {
        "clip": ("none", "none"),
        "sharedclip": ("all", "none"),
        "alignclip": ("all", "image"),
        "alignclip-both": ("all", "both"),
    }
    for run in BLOCK.points.values():
        assert (run.alpha, run.beta, run.objective) == (1.0, None, "published")
        assert (run.rescaling, run.logit_scale) == ("cosine", "clamped")


def test_the_published_data_vocabulary_and_sentence_encoder_pinned_to_commits():
    assert pretraining_sets(STUDY) == (["cc12m"], "proportional")
    assert STUDY.sources["cc12m"].resource == "cc12m@2021"
    assert "cc12m" in STUDY.curate.captioned
    (semantics,) = [encoder for encoder in STUDY.encoders.text if encoder.name == BLOCK.semantics]
    assert semantics.source == "sentence-transformers/all-mpnet-base-v2"
    assert BLOCK.tokenizer.source == "openai/clip-vit-base-patch16"
    assert all(re.fullmatch("[0-9a-f]{40}", pin) for pin in (BLOCK.tokenizer.revision, semantics.revision))


def test_the_published_tasks_are_all_there():
    shifts = {"imagenet-v2", "imagenet-sketch", "imagenet-a", "imagenet-r", "imagenet-o"}
    others = {"imagenet", "cifar-10", "cifar-100", "flowers-102", "food-101", "stanford-cars"}
    assert set(BLOCK.classification) == shifts | others
    assert BLOCK.retrieval == ["flickr30k", "coco"]
    assert STUDY.datasets["coco"].split == "val2017"


@pytest.mark.parametrize("name", BLOCK.classification)
def test_a_set_is_measured_on_its_reported_split_with_eighty_templates_and_fetched_from_the_table(name):
    dataset = STUDY.datasets[name]
    assert dataset.format == name
    assert dataset.split == READERS[name][1][0]
    assert dataset.prompts["eighty"].builtin == "eighty"
    table = read_sources(ROOT / "workflow/resources/sources.csv")
    assert set(dataset.resources) <= set(table["name"] + "@" + table["version"])


def test_the_linear_probe_learns_from_about_fifty_images_a_class_of_another_split():
    train, test = STUDY.datasets[BLOCK.probe.train], STUDY.datasets[BLOCK.probe.test]
    assert (train.format, train.split, test.format, test.split) == ("imagenet", "train", "imagenet", "val")
    assert 1_281_167 / train.fold.of / 1000 == pytest.approx(50, abs=1)


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_measured_is_kept_out_of_what_is_trained_on(name):
    assert name in STUDY.curate.decontaminate.datasets
