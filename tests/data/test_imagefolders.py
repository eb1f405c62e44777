import pytest
from dataset_files import the_line, write_class_folders

from ligature.data import read_image_folders
from ligature.data.imagefolders import list_image_folders
from ligature.errors import DataError

FILES = ["n02/b.JPEG", "n02/a.jpg", "n01/images/c.png", "n01/notes.txt", "readme.txt"]
CLASSES = "n02\ttabby cat, house cat\nn01\tdog\n"
TEMPLATES = ["a photo of a {}.", "one {}"]


def read(folder, files=FILES, classes=CLASSES, templates=TEMPLATES):
    return read_image_folders(*write_class_folders(folder, files, classes), templates=templates, name="toy", split="x")


def refusal(folder, files=FILES, classes=CLASSES):
    images, table = write_class_folders(folder, files, classes)
    return the_line(read_image_folders, images, table, templates=TEMPLATES, error=DataError)


def test_labels_follow_the_class_file_and_images_their_names(tmp_path):
    dataset = read(tmp_path)
    assert (dataset.name, dataset.split, dataset.class_names) == ("toy", "x", ["tabby cat", "dog"])
    assert dataset.images.to_dict("list") == {
        "id": ["n02/a.jpg", "n02/b.JPEG", "n01/images/c.png"],
        "path": [str(tmp_path / "images" / name) for name in ("n02/a.jpg", "n02/b.JPEG", "n01/images/c.png")],
        "label": [0, 0, 1],
    }


def test_texts_are_every_class_name_in_every_template(tmp_path):
    texts = read(tmp_path).texts
    assert list(texts.columns) == ["id", "label", "text", "variant"]
    assert texts.to_dict("split")["data"] == [
        ["0#0", 0, "a photo of a tabby cat.", ""],
        ["0#1", 0, "one tabby cat", ""],
        ["1#0", 1, "a photo of a dog.", ""],
        ["1#1", 1, "one dog", ""],
    ]


def test_class_keys_stay_beside_the_names(tmp_path):
    found = list_image_folders(*write_class_folders(tmp_path, FILES, CLASSES))
    assert found.classes == {"n02": "tabby cat", "n01": "dog"}
    assert found.images.equals(read(tmp_path).images)


def test_braces_in_templates_and_names_are_plain_text(tmp_path):
    dataset = read(tmp_path, classes="n02\tcat {x}\nn01\tdog\n", templates=["{a} {} {0}"])
    assert dataset.texts["text"].to_list() == ["{a} cat {x} {0}", "{a} dog {0}"]


def test_images_of_one_name_in_two_folders_or_formats_have_ids_of_their_own(tmp_path):
    dataset = read(tmp_path, files=["n02/a.jpg", "n02/a.png", "n01/x/a.jpg", "n01/y/a.jpg"])
    assert dataset.images["id"].is_unique
    assert len(dataset.images) == 4


def test_the_order_of_images_is_that_of_names_whatever_the_file_system_says(tmp_path):
    names = [f"n02/{number:02d}.jpg" for number in (7, 3, 11, 0, 5, 9, 1, 10, 2, 8, 4, 6)]
    assert read(tmp_path, files=[*names, "n01/a.jpg"]).images["id"].to_list()[:12] == sorted(names)


def test_prompts_stay_with_any_selection_of_images_but_stand_in_the_first_part_only(tmp_path):
    dataset = read(tmp_path)
    assert dataset.keep_images([2]).images["label"].to_list() == [1]
    assert dataset.keep_images([2]).texts.equals(dataset.texts)
    assert dataset.part(0, 2).texts.equals(dataset.texts)
    assert dataset.part(1, 2).texts.empty
    assert [len(dataset.part(part, 2).images) for part in range(2)] == [1, 2]


def test_a_class_folder_without_line_is_one_line(tmp_path):
    assert refusal(tmp_path, classes="n02\tcat\n") == (
        f"{tmp_path / 'images/n01'}: folder has no line in {tmp_path / 'classes.tsv'}; "
        "add its class name or move it away"
    )


@pytest.mark.parametrize("files", [FILES[:2], [*FILES[:2], "n01/notes.txt"]], ids=["no folder", "no image"])
def test_a_line_without_folder_or_without_image_is_one_line(tmp_path, files):
    assert refusal(tmp_path, files=files) == (
        f"{tmp_path / 'images/n01'}: no image for this class of {tmp_path / 'classes.tsv'}; "
        "add images or remove the line"
    )


def test_a_class_that_stands_twice_is_one_line(tmp_path):
    line = refusal(tmp_path, classes=f"{CLASSES}n02\tlion\n")
    assert line == f"{tmp_path / 'classes.tsv'}, line 3: class folder 'n02' stands twice; remove one line"


@pytest.mark.parametrize("line", ["n01 dog", "n01", "\tdog", "n01\t", "n01\t , dog", "", "n01,\tdog"])
def test_a_line_that_is_no_folder_and_class_name_is_one_line(tmp_path, line):
    assert refusal(tmp_path, classes=f"n02\tcat\n{line}\n") == (
        f"{tmp_path / 'classes.tsv'}, line 2: expected a folder name, a tab and a class name, got {line!r}"
    )


@pytest.mark.parametrize("folder", ["../images", "/etc", "n02/../../.."])
def test_a_class_folder_outside_is_one_line(tmp_path, folder):
    line = refusal(tmp_path, files=FILES[:2], classes=f"n02\tcat\n{folder}\tdog\n")
    assert (
        line == f"{tmp_path / 'classes.tsv'}: file name {folder!r} leaves the folder {tmp_path / 'images'}; correct it"
    )


def test_missing_folder_and_missing_class_file_are_one_line(tmp_path):
    images, classes = write_class_folders(tmp_path, FILES, CLASSES)
    line = the_line(read_image_folders, tmp_path / "none", classes, templates=TEMPLATES, error=DataError)
    assert line == f"{tmp_path / 'none'}: no such folder; check the path in the study's datasets"
    line = the_line(read_image_folders, images, tmp_path / "none.tsv", templates=TEMPLATES, error=DataError)
    assert line.startswith(f"{tmp_path / 'none.tsv'}: cannot be read (No such file or directory)")
