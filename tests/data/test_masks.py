import numpy as np
import pytest
from dataset_files import the_line, write_picture
from PIL import Image

from ligature.data import read_mask, read_voc
from ligature.errors import DataError

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
