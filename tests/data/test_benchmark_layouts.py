"""Every benchmark is read as its authors pack it: images, labels, names, and always in one order."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from benchmark_files import FLOWERS, touch, write, write_flowers_102, write_imagenet, write_imagenet_v2
from benchmark_layouts import LAYOUTS
from dataset_files import the_line

from ligature.data.benchmarks import READERS, list_benchmark
from ligature.errors import DataError, ParamsError
from ligature.params.datasets import BenchmarkDataset


def read_back(found):
    """Returns the ids and class names of the images, in order."""
    names = list(found.classes.values())
    return [(row.id, names[row.label]) for row in found.images.itertuples()]


def test_every_format_of_a_study_has_a_reader_and_a_miniature():
    formats = set(get_args(BenchmarkDataset.model_fields["format"].annotation))
    assert set(READERS) == formats
    assert {kind for kind, *_ in LAYOUTS.values()} | {"flowers-102"} == formats


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_labels_and_names_are_those_of_the_release(tmp_path, layout):
    kind, writer, split, expected = LAYOUTS[layout]
    writer(tmp_path)
    found = list_benchmark(kind, tmp_path, split=split)
    assert read_back(found) == expected
    assert sorted(set(found.images["label"])) == list(range(len(found.classes)))
    if not kind.startswith("cifar"):
        assert found.images["path"].to_list() == [str(tmp_path / identity) for identity, _ in expected]
        assert all(Path(path).is_file() for path in found.images["path"])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_files_give_the_same_rows_whatever_the_file_system_says(tmp_path, layout, monkeypatch):
    kind, writer, split, _ = LAYOUTS[layout]
    writer(tmp_path)
    first = list_benchmark(kind, tmp_path, split=split)
    plain = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: sorted(plain(path), reverse=True))
    second = list_benchmark(kind, tmp_path, split=split)
    assert first.images.equals(second.images)
    assert first.classes == second.classes


def test_flowers_are_labelled_in_the_order_of_the_release(tmp_path):
    write_flowers_102(tmp_path)
    found = list_benchmark("flowers-102", tmp_path, split="test")
    assert len(found.images) == FLOWERS == len(set(found.classes.values()))
    names = dict(read_back(found))
    assert names["jpg/image_00204.jpg"] == "pink primrose"
    assert names["jpg/image_00002.jpg"] == "blackberry lily"
    train = list_benchmark("flowers-102", tmp_path, split="train")
    assert not set(train.images["id"]) & set(found.images["id"])


def test_ucf_training_lists_have_a_label_after_the_name(tmp_path):
    kind, writer, *_ = LAYOUTS["ucf101"]
    writer(tmp_path)
    assert "UCF-101-midframes/YoYo/v_YoYo_g09_c01.jpg" in dict(read_back(list_benchmark(kind, tmp_path, split="train")))


def test_cub_training_images_are_the_others(tmp_path):
    kind, writer, *_ = LAYOUTS["cub-200"]
    writer(tmp_path)
    (tmp_path / "train_test_split.txt").write_text("1 1\n2 1\n3 0\n")
    assert [identity[-5] for identity, _ in read_back(list_benchmark(kind, tmp_path, split="train"))] == ["b", "a"]


@pytest.mark.parametrize("kind", READERS)
def test_an_unknown_split_is_one_line_with_those_there_are(tmp_path, kind):
    line = the_line(list_benchmark, kind, tmp_path, split="validation", error=ParamsError)
    splits = ", ".join(READERS[kind][1])
    assert line == f"format {kind}: unknown split 'validation'; set split to one of: {splits}"


@pytest.mark.parametrize("kind", READERS)
def test_a_missing_or_empty_release_is_one_line(tmp_path, kind):
    split = READERS[kind][1][0]
    line = the_line(list_benchmark, kind, tmp_path / "none", split=split, error=DataError)
    assert line == f"{tmp_path / 'none'}: no such folder; check the root of the data set in the study"
    assert str(tmp_path) in the_line(list_benchmark, kind, tmp_path, split=split, error=DataError)


def test_a_file_of_names_overrides_those_of_the_release(tmp_path):
    write_imagenet(tmp_path / "root")
    write(tmp_path, "names.tsv", "n02\tshark, fish", "n99\tunused", "n01\tfish")
    found = list_benchmark("imagenet", tmp_path / "root", split="val", classes=tmp_path / "names.tsv")
    assert found.classes == {"n01": "fish", "n02": "shark"}
    assert read_back(found)[0] == ("val/n01/c.JPEG", "fish")


def test_a_class_without_another_name_is_one_line(tmp_path):
    write_imagenet(tmp_path)
    write(tmp_path, "names.tsv", "n02\tshark")
    line = the_line(list_benchmark, "imagenet", tmp_path, split="val", classes=tmp_path / "names.tsv", error=DataError)
    assert line == f"{tmp_path / 'names.tsv'}: no line for class 'n01' (1 missing); add a name for each"


@pytest.mark.parametrize(
    ("kind", "writer", "key"), [("imagenet", write_imagenet, "n01"), ("imagenet-v2", write_imagenet_v2, "0")]
)
def test_without_the_mapping_names_come_from_a_file_of_names(tmp_path, kind, writer, key):
    writer(tmp_path)
    (tmp_path / "LOC_synset_mapping.txt").unlink()
    line = the_line(list_benchmark, kind, tmp_path, split="val", error=DataError)
    assert line == f"{tmp_path}: no name for class '{key}'; name a file of class keys and names under `classes`"
    keys = [f"n{number:02d}" if kind == "imagenet" else str(number) for number in range(11)]
    write(tmp_path, "names.tsv", *(f"{key}\tname of {key}" for key in keys))
    found = list_benchmark(kind, tmp_path, split="val", classes=tmp_path / "names.tsv")
    labels = [int(Path(identity).parts[-2].removeprefix("n")) for identity, _ in read_back(found)]
    assert [int(name.rpartition(" ")[2].removeprefix("n")) for _, name in read_back(found)] == labels
    assert labels == sorted(labels)


def test_the_flat_folder_without_the_mapping_has_the_synsets_of_its_solution(tmp_path):
    LAYOUTS["imagenet flat"][1](tmp_path)
    (tmp_path / "LOC_synset_mapping.txt").unlink()
    write(tmp_path, "names.tsv", "n01\ttench", "n02\tshark")
    found = list_benchmark("imagenet", tmp_path, split="val", classes=tmp_path / "names.tsv")
    assert [(Path(identity).stem, name) for identity, name in read_back(found)] == [("v_2", "tench"), ("v_1", "shark")]


def test_imagenet_v2_may_be_the_root_itself(tmp_path):
    touch(tmp_path, "0/a.jpeg", "1/b.jpeg")
    write(tmp_path, "LOC_synset_mapping.txt", "n02 shark", "n01 tench")
    assert read_back(list_benchmark("imagenet-v2", tmp_path, split="val")) == [
        ("0/a.jpeg", "tench"),
        ("1/b.jpeg", "shark"),
    ]


def test_a_single_image_and_class_survive_matlab_s_squeezing(tmp_path):
    kind, writer, split, _ = LAYOUTS["stanford-cars"]
    writer(tmp_path, (1, 1), 1)
    assert np.unique(list_benchmark(kind, tmp_path, split=split).images["label"]).tolist() == [0]
