"""What is wrong with a release is said in one line that names the file."""

import numpy as np
import pytest
from benchmark_files import cells, records, touch, write, write_flowers_102, write_stanford_cars
from benchmark_layouts import LAYOUTS
from dataset_files import the_line
from scipy.io import savemat

from ligature.data.benchmarks import list_benchmark, matlab
from ligature.errors import DataError


def spoilt(tmp_path, layout, spoil):
    """Returns the line with which a layout is refused after ``spoil`` changed its files."""
    kind, writer, split, _ = LAYOUTS.get(layout, (layout, write_flowers_102, "test", None))
    writer(tmp_path)
    spoil(tmp_path)
    return the_line(list_benchmark, kind, tmp_path, split=split, error=DataError)


LISTED = {
    "imagenet flat": "ILSVRC/Data/CLS-LOC/val/v_1.JPEG",
    "oxford-pets": "images/Abyssinian_201.jpg",
    "stanford-cars": "cars_test/00001.jpg",
    "stanford-cars in one": "car_ims/000002.jpg",
    "flowers-102": "jpg/image_00002.jpg",
    "food-101": "images/tacos/12.jpg",
    "fgvc-aircraft": "data/images/3.jpg",
    "sun397": "a/abbey/sun_a.jpg",
    "cub-200": "images/002.Laysan_Albatross/a.jpg",
    "dtd": "images/banded/b_1.jpg",
}


@pytest.mark.parametrize("layout", LISTED)
def test_a_listed_image_that_is_missing_is_one_line(tmp_path, layout):
    line = spoilt(tmp_path, layout, lambda root: (root / LISTED[layout]).unlink())
    assert line.startswith(f"{tmp_path / LISTED[layout]}: missing, though {tmp_path}")


ESCAPES = {
    "imagenet flat": ("LOC_val_solution.csv", "v_2", "../v_2"),
    "oxford-pets": ("annotations/test.txt", "Abyssinian_201", "../../Abyssinian_201"),
    "food-101": ("meta/test.txt", "tacos/12", "/etc/12"),
    "fgvc-aircraft": ("data/images_variant_test.txt", "14 ", "../14 "),
    "sun397": ("Testing_01.txt", "/a/abbey/", "/a/../../"),
    "sun397 all": ("ClassName.txt", "/a/abbey", "/../../etc"),
    "cub-200": ("images.txt", "002.Laysan_Albatross/a.jpg", "../../../a.jpg"),
    "dtd": ("labels/test1.txt", "banded/b_1.jpg", "/etc/passwd"),
}


@pytest.mark.parametrize("layout", ESCAPES)
def test_a_listed_name_that_leaves_the_release_is_one_line(tmp_path, layout):
    name, old, new = ESCAPES[layout]

    def spoil(root):
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new))

    line = spoilt(tmp_path, layout, spoil)
    assert line.startswith(f"{tmp_path / name}: file name ")
    assert "leaves the folder" in line


def test_an_image_name_of_matlab_that_leaves_the_release_is_one_line(tmp_path):
    annotations = records(relative_im_path=["../../secret.jpg"], **{"class": [1]}, test=[1])
    savemat(tmp_path / "cars_annos.mat", {"annotations": annotations, "class_names": cells("Audi")})
    line = the_line(list_benchmark, "stanford-cars", tmp_path, split="test", error=DataError)
    assert line.startswith(f"{tmp_path / 'cars_annos.mat'}: file name '../../secret.jpg' leaves the folder")


UNKNOWN_CLASS = {
    "imagenet flat": lambda root: write(root, "LOC_val_solution.csv", "ImageId,P", "v_1,n77 1 2 3 4"),
    "food-101": lambda root: write(root, "meta/classes.txt", "apple_pie"),
    "fgvc-aircraft": lambda root: write(root, "data/variants.txt", "707-320", "F-16A/B"),
    "sun397": lambda root: write(root, "ClassName.txt", "/a/abbey"),
}


@pytest.mark.parametrize("layout", UNKNOWN_CLASS)
def test_an_image_of_a_class_that_is_not_listed_is_one_line(tmp_path, layout):
    line = spoilt(tmp_path, layout, UNKNOWN_CLASS[layout])
    assert "its class '" in line
    assert line.endswith("the class list and the images disagree")


@pytest.mark.parametrize(
    ("layout", "extra"),
    [("imagenet", "val/n03/x.JPEG"), ("imagenet-v2", "imagenetv2-matched-frequency-format-val/11/x")],
)
def test_folders_that_the_class_list_does_not_know_are_one_line(tmp_path, layout, extra):
    line = spoilt(tmp_path, layout, lambda root: touch(root, extra))
    key = extra.split("/")[1]
    assert f"class '{key}' stands in only one of the folders and the class list" in line


def test_a_line_of_the_mapping_without_a_folder_is_one_line(tmp_path):
    line = spoilt(tmp_path, "imagenet", lambda root: write(root, "LOC_synset_mapping.txt", "n01 a", "n02 b", "n03 c"))
    assert "class 'n03' stands in only one of the folders and the class list" in line


WITHOUT_IMAGE = {
    "imagenet": lambda root: (root / "val/n01/c.JPEG").rename(root / "val/n01/c.txt"),
    "caltech-101": lambda root: (root / "101_ObjectCategories/abacus").mkdir(),
    "eurosat": lambda root: touch(root, "2750/River/notes.txt"),
    "food-101": lambda root: write(root, "meta/test.txt", "tacos/12"),
    "fgvc-aircraft": lambda root: write(root, "data/images_variant_test.txt", "14 707-320"),
    "sun397": lambda root: write(root, "Testing_01.txt", "/a/abbey/sun_a.jpg"),
    "cub-200": lambda root: write(root, "train_test_split.txt", "1 0", "2 1", "3 1"),
    "ucf101 test": lambda root: write(root, "ucfTrainTestlist/testlist01.txt", "YoYo/v_YoYo_g01_c01.avi"),
    "dtd": lambda root: write(root, "labels/test1.txt", "banded/b_1.jpg"),
    "stanford-cars": lambda root: savemat(root / "devkit/cars_meta.mat", {"class_names": cells("a", "b", "c")}),
    "cifar-10": lambda root: write(root, "cifar-10-batches-bin/batches.meta.txt", "airplane", "cat", "frog"),
}


@pytest.mark.parametrize("layout", WITHOUT_IMAGE)
def test_a_class_without_an_image_is_one_line(tmp_path, layout):
    line = spoilt(tmp_path, layout, WITHOUT_IMAGE[layout])
    assert line.endswith("has no image; unpack the release again")
    assert str(tmp_path) in line


OUT_OF_RANGE = {
    "oxford-pets": lambda root: write(root, "annotations/test.txt", "Abyssinian_201 9 1 1"),
    "cub-200": lambda root: write(root, "image_class_labels.txt", "1 1", "2 3", "3 1"),
    "cifar-10": lambda root: write(root, "cifar-10-batches-bin/batches.meta.txt", "airplane"),
    "cifar-100": lambda root: write(root, "cifar-100-binary/fine_label_names.txt", "aquarium_fish"),
    "flowers-102": lambda root: savemat(root / "setid.mat", {"tstid": [[1, 205]]}),
}


@pytest.mark.parametrize("layout", OUT_OF_RANGE)
def test_a_number_out_of_range_is_one_line(tmp_path, layout):
    assert "out of range" in spoilt(tmp_path, layout, OUT_OF_RANGE[layout])


@pytest.mark.parametrize("classes", [(0, 1), (3, 1)])
def test_a_car_of_a_class_out_of_range_is_one_line(tmp_path, classes):
    write_stanford_cars(tmp_path, classes)
    line = the_line(list_benchmark, "stanford-cars", tmp_path, split="test", error=DataError)
    assert f"class {classes[0]} is out of range 1 to 2" in line


def test_a_flower_of_a_class_out_of_range_is_one_line(tmp_path):
    line = spoilt(tmp_path, "flowers-102", lambda root: savemat(root / "imagelabels.mat", {"labels": [[1, 103]]}))
    assert line.startswith(f"{tmp_path / 'imagelabels.mat'}: class 103 is out of range 1 to 102")


BROKEN = {
    "imagenet": (
        lambda root: write(root, "LOC_synset_mapping.txt", "n01"),
        "LOC_synset_mapping.txt: expected a new synset id and its names, got 'n01'",
    ),
    "imagenet flat": (
        lambda root: write(root, "LOC_val_solution.csv", "ImageId,P", "v_1"),
        "LOC_val_solution.csv: expected an image, a comma and a synset id, got 'v_1'",
    ),
    "oxford-pets": (
        lambda root: write(root, "annotations/test.txt", "Abyssinian_201 one"),
        "annotations/test.txt: expected an image, the number of its breed and more",
    ),
    "cub-200": (
        lambda root: write(root, "images.txt", "one 001.Black_footed_Albatross/b.jpg"),
        "images.txt: expected a new number and a value, got 'one 001",
    ),
    "ucf101 test": (
        lambda root: write(root, "ucfTrainTestlist/testlist01.txt", "YoYo/v_YoYo_g77_c01.avi"),
        "testlist01.txt: video 'YoYo/v_YoYo_g77_c01.avi' has no middle frame",
    ),
    "food-101": (
        lambda root: write(root, "meta/test.txt", "tacos/12", "apple_pie/9", "tacos/12"),
        "meta/classes.txt: image 'images/tacos/12.jpg' stands twice in its split",
    ),
    "stanford-cars": (
        lambda root: (root / "devkit/cars_meta.mat").write_bytes(b"no matlab"),
        "devkit/cars_meta.mat: not a MATLAB file of the release",
    ),
    "stanford-cars in one": (
        lambda root: savemat(root / "cars_annos.mat", {"class_names": cells("a"), "b": 1}),
        "cars_annos.mat: has no variable 'annotations' of a release's size",
    ),
    "flowers-102": (
        lambda root: savemat(root / "imagelabels.mat", {"labels": cells("a", "b")}),
        "imagelabels.mat: holds something else where numbers should stand",
    ),
    "cifar-10": (
        lambda root: (root / "cifar-10-batches-bin/test_batch.bin").write_bytes(b"12345"),
        "test_batch.bin: 5 bytes are no whole number of records of 3073",
    ),
}


@pytest.mark.parametrize("layout", BROKEN)
def test_a_broken_list_is_one_line_that_names_it(tmp_path, layout):
    spoil, reason = BROKEN[layout]
    line = spoilt(tmp_path, layout, spoil)
    assert line.startswith(str(tmp_path))
    assert reason in line


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 5000])
def test_the_number_of_a_breed_that_is_none_is_one_line(tmp_path, number):
    line = spoilt(tmp_path, "oxford-pets", lambda root: write(root, "annotations/test.txt", f"Abyssinian_201 {number}"))
    assert "expected an image, the number of its breed and more, got 'Abyssinian_201" in line


def test_two_breeds_of_one_number_are_one_line(tmp_path):
    rows = ("Abyssinian_201 1 1 1", "great_pyrenees_7 1 2 1")
    line = spoilt(tmp_path, "oxford-pets", lambda root: write(root, "annotations/test.txt", *rows))
    assert "got 'great_pyrenees_7 1 2 1'" in line


def test_a_bird_that_only_some_lists_know_is_one_line(tmp_path):
    line = spoilt(tmp_path, "cub-200", lambda root: write(root, "train_test_split.txt", "1 0", "3 0"))
    assert line == f"{tmp_path / 'images.txt'}: image 2 stands in only some of the lists; unpack the release again"


def test_a_folder_without_class_folders_is_one_line(tmp_path):
    (tmp_path / "2750").mkdir()
    line = the_line(list_benchmark, "eurosat", tmp_path, split="all", error=DataError)
    assert line == f"{tmp_path / '2750'}: no class folder; unpack the release there"


def test_a_matlab_file_far_above_the_release_s_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, "MAX_MAT_BYTES", 100)
    line = spoilt(tmp_path, "flowers-102", lambda root: None)
    assert line == f"{tmp_path / 'imagelabels.mat'}: above 0 MiB, which no file of the release is; unpack it again"


def test_cars_without_the_labels_of_the_test_set_are_one_line(tmp_path):
    write_stanford_cars(tmp_path)
    savemat(tmp_path / "cars_test_annos_withlabels.mat", {"annotations": records(fname=["00001.jpg", "00002.jpg"])})
    line = the_line(list_benchmark, "stanford-cars", tmp_path, split="test", error=DataError)
    assert line.endswith("the annotations have no field 'class'; take the file with labels")


@pytest.mark.parametrize("labels", [np.zeros((1, 0)), np.zeros((1, 1_000_001), np.uint8)])
def test_a_variable_of_no_size_of_a_release_is_one_line(tmp_path, labels):
    line = spoilt(tmp_path, "flowers-102", lambda root: savemat(root / "imagelabels.mat", {"labels": labels}))
    assert line == (
        f"{tmp_path / 'imagelabels.mat'}: has no variable 'labels' of a release's size; take the file of the release"
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [("cifar-10", "cifar-10-batches-py/batches.meta"), ("cifar-100", "cifar-100-python/meta"), ("cifar-100", "meta")],
)
def test_the_pickled_release_of_cifar_is_refused_with_the_one_to_take(tmp_path, kind, name):
    touch(tmp_path, name)
    line = the_line(list_benchmark, kind, tmp_path, split="test", error=DataError)
    assert "the python release is pickled and is not read; take the binary one, cifar-10" in line


def test_a_missing_batch_of_cifar_is_one_line(tmp_path):
    kind, writer, *_ = LAYOUTS["cifar-10"]
    writer(tmp_path)
    line = the_line(list_benchmark, kind, tmp_path, split="train", error=DataError)
    assert line.startswith(f"{tmp_path / 'cifar-10-batches-bin/data_batch_1.bin'}: cannot be read (No such file")
