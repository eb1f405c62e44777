from pathlib import Path

import pytest

from ligature.params import load_study
from ligature.store import Layout

ROOT = Path(__file__).parents[2]


@pytest.fixture
def layout(tmp_path):
    return Layout(load_study(ROOT / "tests/studies/tiny.yaml"), tmp_path)


def test_everything_lives_in_the_folder_of_the_study(layout, tmp_path):
    folders = [
        layout.world,
        layout.pairs,
        layout.train,
        layout.evaluation,
        layout.report,
        layout.encoder("vit-untrained"),
    ]
    folders += layout.embedding_parts("pooled", "pixels", "captions-train")
    folders += [layout.probe("pixels", "bag-of-words")]
    assert layout.root == tmp_path / "tiny"
    assert all(folder.is_relative_to(layout.root) for folder in folders)
    assert len(set(folders)) == len(folders)


def test_results_is_the_default_folder(layout):
    assert Layout(layout.study).root == Path("results/tiny")


def test_a_data_set_in_parts_has_one_store_a_part(layout):
    folders = layout.embedding_parts("pooled", "pixels", "captions-train")
    assert [folder.name for folder in folders] == ["part-00000", "part-00001"]
    assert folders == [layout.embeddings("pooled", "pixels", "captions-train", part) for part in range(2)]


def test_prompts_of_class_folders_are_a_single_part(layout):
    labels = layout.study.datasets["labels-val"].model_copy(update={"parts": 3})
    datasets = layout.study.datasets | {"labels-val": labels}
    split = Layout(layout.study.model_copy(update={"datasets": datasets}), layout.results)
    assert len(split.embedding_parts("pooled", "pixels", "labels-val")) == 3
    assert len(split.embedding_parts("pooled", "bag-of-words", "labels-val")) == 1


@pytest.mark.parametrize(
    ("view", "dataset", "group"),
    [
        ("pooled", "captions-val", "discovery"),
        ("pooled", "captions-train", "discovery"),
        ("pooled", "captions-test", "chosen"),
        ("pooled", "labels-val", "chosen"),
        ("tokens", "captions-val", "chosen"),
    ],
)
def test_stores_that_discovery_needs_stand_apart(layout, view, dataset, group):
    assert layout.group(view, "pixels", dataset) == group
    folder = layout.embeddings(view, "pixels", dataset, 0)
    assert folder == layout.root / "embeddings" / group / view / "pixels" / dataset / "part-00000"


def test_both_data_sets_of_the_probe_belong_to_discovery(layout):
    probe = layout.study.pairs.probe.model_copy(update={"train": "captions-test", "test": "labels-val"})
    pairs = layout.study.pairs.model_copy(update={"probe": probe})
    changed = Layout(layout.study.model_copy(update={"pairs": pairs}))
    names = ("captions-val", "captions-test", "labels-val", "captions-train")
    assert [changed.group("pooled", "pixels", name) for name in names] == ["discovery"] * 3 + ["chosen"]


def test_stores_under_a_pretrained_encoder_stand_apart_whatever_the_data_set(layout):
    names = ("captions-val", "captions-test", "collected")
    assert {layout.group("pooled", "alignclip-vision", name) for name in names} == {"pretrained"}


def test_captions_that_pretraining_tells_apart_belong_to_discovery(layout):
    block = layout.study.pretraining.model_copy(update={"datasets": ["captions-test"], "mix": None})
    changed = Layout(layout.study.model_copy(update={"pretraining": block}))
    assert changed.group("pooled", "bag-of-words", "captions-test") == "discovery"
    assert changed.group("pooled", "bert-untrained", "captions-test") == "chosen"
    assert layout.group("pooled", "bag-of-words", "captions-test") == "chosen"


def test_a_pretraining_has_a_folder_a_run_and_seed(layout):
    assert layout.pretrained("alignclip", 3) == layout.root / "pretraining/alignclip/seed-3"


def test_the_probe_of_a_pair_has_a_file_of_its_own(layout):
    assert layout.probe("pixels", "bag-of-words") == layout.pairs / "probes/pixels--bag-of-words.json"
