"""ImageNet as the Hub's archives hold it, and Pascal Context as its two archives lie over each other."""

import pytest
from benchmark_files import touch, write

from ligature.data.benchmarks import list_benchmark
from ligature.data.pascal_context import read_pascal_context
from ligature.errors import DataError

VAL = ["ILSVRC2012_val_00000002_n01440764.JPEG", "ILSVRC2012_val_00000001_n02084071.JPEG"]
TRAIN = ["n01440764_10026_n01440764.JPEG", "n02084071_7_n02084071.JPEG", "n01440764_9_n01440764.JPEG"]


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "LOC_synset_mapping.txt", "n01440764 tench, Tinca tinca", "n02084071 dog")
    return tmp_path


@pytest.mark.parametrize(("split", "names", "labels"), [("val", VAL, [0, 1]), ("train", TRAIN, [0, 0, 1])])
def test_flat_files_bear_the_synset_that_ends_their_names(root, split, names, labels):
    touch(root, *(f"{split}/{name}" for name in names))
    found = list_benchmark("imagenet", root, split=split)
    assert found.classes == {"n01440764": "tench", "n02084071": "dog"}
    assert found.images["label"].tolist() == labels
    assert sorted(found.images["id"]) == sorted(f"{split}/{name}" for name in names)


def test_without_a_mapping_the_synsets_are_the_classes_in_their_order(root):
    (root / "LOC_synset_mapping.txt").unlink()
    touch(root, *(f"val/{name}" for name in VAL))
    write(root, "names.tsv", "n02084071\tdog", "n01440764\ttench")
    found = list_benchmark("imagenet", root, split="val", classes=root / "names.tsv")
    assert list(found.classes.values()) == ["tench", "dog"]


def test_a_file_without_a_synset_and_an_empty_folder_are_named(root):
    touch(root, "val/ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(DataError, match="neither in the folder of a synset nor named by one"):
        list_benchmark("imagenet", root, split="val")
    (root / "val/ILSVRC2012_val_00000001.JPEG").unlink()
    with pytest.raises(DataError, match="no class folder and no image"):
        list_benchmark("imagenet", root, split="val")


def test_a_class_of_the_mapping_without_an_image_is_named(root):
    touch(root, f"val/{VAL[0]}")
    with pytest.raises(DataError, match="class 'n02084071' has no image"):
        list_benchmark("imagenet", root, split="val")


def test_pascal_context_takes_the_list_of_voc_where_it_has_none_of_its_own(tmp_path):
    touch(tmp_path, "JPEGImages/a.jpg", "JPEGImages/b.jpg", "trainval/a.mat", "trainval/b.mat")
    write(tmp_path, "ImageSets/Main/val.txt", "b")
    assert read_pascal_context(tmp_path, split="val")["id"].tolist() == ["b"]
    write(tmp_path, "val.txt", "a")
    assert read_pascal_context(tmp_path, split="val")["id"].tolist() == ["a"]
    with pytest.raises(DataError, match=r"train\.txt"):
        read_pascal_context(tmp_path, split="train")
