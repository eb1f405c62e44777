import numpy as np
import pytest
from dataset_files import the_line, write_picture
from PIL import Image

from ligature.data import masks, read_mask, read_voc
from ligature.data.masks import VOC_CLASSES, read_masked_folder
from ligature.errors import DataError, ParamsError

INDICES = np.array([[0, 1, 2, 255], [2, 2, 0, 0]], np.uint8)


def write_mask(path, indices=INDICES, mode="P"):
    image = Image.fromarray(indices)
    if mode == "P":
        image.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    image.save(path)
    return path


@pytest.mark.parametrize("mode", ["P", "L"])
def test_indices_are_read_not_colours(tmp_path, mode):
    mask = read_mask(write_mask(tmp_path / "mask.png", mode=mode), classes=3)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, INDICES)


def test_an_index_beyond_the_classes_is_one_line(tmp_path):
    path = write_mask(tmp_path / "mask.png")
    line = the_line(read_mask, path, classes=2, error=DataError)
    assert line == f"{path}: index 2 is not one of 2 classes"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "1", "I;16"])
def test_a_picture_of_colours_is_no_mask(tmp_path, mode):
    write_picture(tmp_path / "mask.png", mode)
    line = the_line(read_mask, tmp_path / "mask.png", classes=3, error=DataError)
    assert line.endswith(f"mask.png: mode {mode}, expected a mask of indices (palette or grey)")


def test_a_missing_truncated_or_foreign_file_is_one_line(tmp_path):
    path = tmp_path / "mask.png"
    assert "mask.png: cannot be read as a mask" in the_line(read_mask, path, classes=3, error=DataError)
    path.write_text("no image")
    assert "cannot be read as a mask" in the_line(read_mask, path, classes=3, error=DataError)
    write_mask(path, np.random.default_rng(0).integers(0, 3, (80, 80), np.uint8))
    path.write_bytes(path.read_bytes()[:-60])
    assert "cannot be read as a mask" in the_line(read_mask, path, classes=3, error=DataError)


@pytest.fixture
def voc(tmp_path):
    for name in ("2007_000002", "2007_000001"):
        write_picture(tmp_path / f"JPEGImages/{name}.jpg")
        write_picture(tmp_path / f"SegmentationClass/{name}.png", "L")
    listing = tmp_path / "ImageSets/Segmentation/val.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text("2007_000002\n2007_000001 \n\n")
    return tmp_path


def test_images_and_masks_follow_the_list(voc):
    table = read_voc(voc)
    assert table["id"].to_list() == ["2007_000002", "2007_000001"]
    assert table["path"][0] == str(voc / "JPEGImages/2007_000002.jpg")
    assert table["mask"][1] == str(voc / "SegmentationClass/2007_000001.png")


@pytest.mark.parametrize("name", ["JPEGImages/2007_000001.jpg", "SegmentationClass/2007_000001.png"])
def test_a_listed_file_that_is_missing_is_one_line(voc, name):
    (voc / name).unlink()
    listing = voc / "ImageSets/Segmentation/val.txt"
    assert the_line(read_voc, voc, error=DataError) == f"{voc / name}: missing, though {listing} names it"


def test_a_missing_list_is_one_line(voc):
    line = the_line(read_voc, voc, split="test", error=DataError)
    assert line.startswith(f"{voc / 'ImageSets/Segmentation/test.txt'}: cannot be read (No such file or directory)")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd"])
def test_a_listed_name_that_leaves_the_folder_is_one_line(voc, name):
    (voc / "ImageSets/Segmentation/val.txt").write_text(f"{name}\n")
    line = the_line(read_voc, voc, error=DataError)
    assert f"val.txt: file name '{name}.jpg' leaves the folder {voc / 'JPEGImages'}" in line


@pytest.mark.parametrize("split", ["../val", "/val"])
def test_a_split_that_leaves_the_folder_is_one_line(voc, split):
    assert "leaves the folder" in the_line(read_voc, voc, split=split, error=DataError)


def test_a_mask_of_too_many_pixels_is_one_line(tmp_path, monkeypatch):
    path = write_mask(tmp_path / "mask.png")
    monkeypatch.setattr(masks, "MAX_PIXELS", 7)
    assert the_line(read_mask, path, classes=3, error=DataError) == f"{path}: more than 7 pixels; make the mask smaller"


def test_a_picture_that_only_another_program_can_read_is_no_mask(tmp_path):
    path = tmp_path / "mask.png"
    Image.new("L", (4, 4)).save(path, "EPS")
    assert "cannot be read as a mask" in the_line(read_mask, path, classes=3, error=DataError)


def test_pascal_voc_has_twenty_classes_and_background():
    assert len(VOC_CLASSES) == len(set(VOC_CLASSES)) == 21
    assert [VOC_CLASSES[index] for index in (0, 1, 11, 15, 20)] == [
        "background",
        "aeroplane",
        "diningtable",
        "person",
        "tvmonitor",
    ]


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jpg", "a.PNG", "c.jpeg", "notes.txt"):
        write_picture(tmp_path / "images" / "x.png")
        (tmp_path / "images" / "x.png").rename(tmp_path / "images" / name)
    for name in ("a", "b", "c"):
        write_picture(tmp_path / f"masks/val_{name}.png", "L")
    return tmp_path


def test_images_of_a_folder_find_their_masks_by_name(folder, capsys):
    table = read_masked_folder(folder / "images", f"{folder}/masks/val_{{id}}.png")
    assert table["id"].to_list() == ["a", "b", "c"]
    assert table["path"][0] == str(folder / "images/a.PNG")
    assert table["mask"][1] == str(folder / "masks/val_b.png")
    assert capsys.readouterr().err == ""


def test_images_without_a_mask_are_left_out_and_said(folder, capsys):
    (folder / "masks/val_a.png").unlink()
    table = read_masked_folder(folder / "images", f"{folder}/masks/val_{{id}}.png")
    assert table["id"].to_list() == ["b", "c"]
    assert capsys.readouterr().err == f"{folder / 'images'}: 1 of 3 images have no mask and are left out\n"


def test_a_folder_without_any_mask_is_one_line(folder):
    line = the_line(read_masked_folder, folder / "images", f"{folder}/elsewhere/{{id}}.png", error=DataError)
    assert line.startswith(f"{folder / 'images'}: none of 3 images has a mask, {folder}/elsewhere/a.png for one")


def test_a_missing_folder_and_a_path_without_a_place_for_the_name_are_one_line(folder):
    assert "no such folder" in the_line(read_masked_folder, folder / "nowhere", "{id}.png", error=DataError)
    assert "must contain {id}" in the_line(read_masked_folder, folder / "images", "mask.png", error=ParamsError)
