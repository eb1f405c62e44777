import numpy as np
import pytest
from dataset_files import the_line, write_picture
from scipy.io import savemat

from ligature.data import pascal_context
from ligature.data.pascal_context import LabelTable, read_label_map, read_label_table, read_pascal_context
from ligature.errors import DataError

LABELS = "1: accordion\n2: aeroplane\n7: table\n9: bedclothes\n10: cloth\n\n12: wood\n"
CLASSES = "1: wood\n2: aeroplane\n3: diningtable\n4: bedcloth\n5: clothes\n"
TABLE = LabelTable(["a", "b"], np.array([255, 0, 255, 1], np.uint8))


@pytest.fixture
def root(tmp_path):
    (tmp_path / "labels.txt").write_text(LABELS)
    (tmp_path / "59_labels.txt").write_text(CLASSES)
    return tmp_path


def write_map(path, labels, name="LabelMap"):
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"other": np.arange(3), name: labels}, do_compression=True)
    return path


def test_classes_find_their_labels_by_name_even_where_the_two_lists_disagree(root):
    table = read_label_table(root)
    assert table.class_names == ["wood", "aeroplane", "diningtable", "bedcloth", "clothes"]
    expected = {12: 0, 2: 1, 7: 2, 9: 3, 10: 4}
    assert {label: index for label, index in enumerate(table.class_of_label) if index != 255} == expected
    assert len(table.class_of_label) == 13


@pytest.mark.parametrize("line", ["accordion", "x: accordion", "4:", "1: twice", "-4: minus", "123456: far"])
def test_a_line_that_is_no_label_is_named(root, line):
    (root / "labels.txt").write_text(f"1: accordion\n{line}\n")
    message = the_line(read_label_table, root, error=DataError)
    assert message.startswith(f"{root / 'labels.txt'}, line 2: expected a new number, a colon and a name")


@pytest.mark.parametrize("text", ["", "\n", "1: wood\n2: wood\n"])
def test_an_empty_list_or_a_name_given_twice_is_one_line(root, text):
    (root / "59_labels.txt").write_text(text)
    assert "59_labels.txt: it is empty or a name stands twice" in the_line(read_label_table, root, error=DataError)


def test_a_class_that_is_no_label_is_named(root):
    (root / "59_labels.txt").write_text("1: wood\n2: unicorn\n")
    line = the_line(read_label_table, root, error=DataError)
    assert line.startswith(f"{root / '59_labels.txt'}: class 'unicorn' is not in labels.txt")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32])
def test_labels_become_classes_and_the_others_void(tmp_path, kind):
    path = write_map(tmp_path / "map.mat", np.array([[0, 1, 2], [3, 3, 1]], kind))
    classes = read_label_map(path, TABLE)
    assert classes.dtype == np.uint8
    assert classes.tolist() == [[255, 0, 255], [1, 1, 0]]


@pytest.mark.parametrize("label", [4, 65000, -1])
def test_an_unknown_label_is_one_line(tmp_path, label):
    path = write_map(tmp_path / "map.mat", np.array([[1, label]], np.int32))
    assert the_line(read_label_map, path, TABLE, error=DataError) == f"{path}: label {label} is not one of 3 labels"


@pytest.mark.parametrize(
    "value",
    [np.zeros((2, 2, 2), np.uint16), np.zeros((0, 3), np.uint16), np.ones((2, 2)), {"x": 1}, "text", [["cell"], 1]],
    ids=["cube", "empty", "fractions", "struct", "text", "cell"],
)
def test_a_map_of_another_kind_is_one_line(tmp_path, value):
    path = write_map(tmp_path / "map.mat", value)
    line = the_line(read_label_map, path, TABLE, error=DataError)
    assert line.startswith(f"{path}: LabelMap is ")
    assert line.endswith("expected a matrix of integers")


def test_a_map_of_too_many_pixels_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = write_map(tmp_path / "map.mat", np.zeros((300, 300), np.uint16))
    monkeypatch.setattr(pascal_context, "MAX_PIXELS", 89_999)
    assert "LabelMap is uint16 of shape (300, 300)" in the_line(read_label_map, path, TABLE, error=DataError)


def test_a_missing_foreign_or_truncated_file_is_one_line(tmp_path):
    path = tmp_path / "map.mat"
    assert "cannot be read as a label map" in the_line(read_label_map, path, TABLE, error=DataError)
    path.write_text("no matrix")
    assert "cannot be read as a label map" in the_line(read_label_map, path, TABLE, error=DataError)
    write_map(path, np.random.default_rng(0).integers(0, 4, (60, 60)).astype(np.uint16))
    path.write_bytes(path.read_bytes()[:-300])
    assert "cannot be read as a label map" in the_line(read_label_map, path, TABLE, error=DataError)
    write_map(path, np.zeros((2, 2), np.uint16), name="Other")
    assert "LabelMap is missing of shape ()" in the_line(read_label_map, path, TABLE, error=DataError)


def test_images_and_maps_follow_the_list(root):
    (root / "val.txt").write_text("2008_000002\n2008_000001\n")
    for name in ("2008_000001", "2008_000002"):
        write_picture(root / f"JPEGImages/{name}.jpg")
        write_map(root / f"trainval/{name}.mat", np.ones((3, 4), np.uint16))
    table = read_pascal_context(root, split="val")
    assert table["id"].to_list() == ["2008_000002", "2008_000001"]
    assert table["mask"][0] == str(root / "trainval/2008_000002.mat")
    (root / "trainval/2008_000001.mat").unlink()
    line = the_line(read_pascal_context, root, split="val", error=DataError)
    assert line == f"{root / 'trainval/2008_000001.mat'}: missing, though {root / 'val.txt'} names it"
