from types import SimpleNamespace

import numpy as np
import pytest
from dataset_files import the_line
from PIL import Image
from scipy.io import savemat

from ligature.data.segmentation import open_segmentation
from ligature.errors import DataError, ParamsError
from ligature.params.datasets import CocoDataset, Fold, MasksDataset, PascalContextDataset, VocDataset
from ligature.store import Layout

MASK = np.array([[0, 1, 2], [255, 2, 1]], np.uint8)
NAMES = [f"image-{number}" for number in range(8)]


def write(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


@pytest.fixture
def files(tmp_path):
    """The same images and masks in all three layouts."""
    for name in NAMES:
        write(tmp_path / f"JPEGImages/{name}.jpg", Image.new("RGB", (3, 2)))
        write(tmp_path / f"SegmentationClass/{name}.png", Image.fromarray(MASK))
        (tmp_path / "trainval").mkdir(exist_ok=True)
        savemat(tmp_path / f"trainval/{name}.mat", {"LabelMap": np.minimum(MASK, 3).astype(np.uint16)})
    for listing in (tmp_path / "ImageSets/Segmentation/val.txt", tmp_path / "val.txt"):
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text("\n".join(NAMES))
    (tmp_path / "classes.txt").write_text("background\nring\narrow\n\n")
    (tmp_path / "labels.txt").write_text("1: cat\n2: diningtable\n3: dust\n")
    (tmp_path / "59_labels.txt").write_text("1: diningtable\n2: cat\n")
    return tmp_path


def layout_of(**datasets):
    return Layout(SimpleNamespace(study="test", datasets=datasets))


def voc(files, **changes):
    return VocDataset(**{"format": "voc", "root": str(files), "classes": str(files / "classes.txt"), **changes})


def masked(files):
    paths = {"images": str(files / "JPEGImages"), "masks": str(files / "SegmentationClass/{id}.png")}
    return MasksDataset(format="masks", **paths, classes=str(files / "classes.txt"))


@pytest.mark.parametrize("layout_name", ["voc", "masks"])
def test_index_masks_keep_their_classes_and_have_a_background(files, layout_name):
    params = voc(files) if layout_name == "voc" else masked(files)
    data = open_segmentation(layout_of(shapes=params), "shapes")
    assert (data.name, data.split, len(data)) == ("shapes", "val", 8)
    assert data.class_names == data.readable_names == ["background", "ring", "arrow"]
    assert data.has_background
    image, mask = data.load(3)
    assert (image.mode, image.size) == ("RGB", (3, 2))
    assert np.array_equal(mask, MASK)


def test_pascal_context_has_no_background_and_its_other_labels_are_void(files):
    params = PascalContextDataset(format="pascal-context", root=str(files))
    data = open_segmentation(layout_of(context=params), "context")
    assert data.class_names == ["diningtable", "cat"]
    assert data.readable_names == ["dining table", "cat"]
    assert not data.has_background
    assert data.load(0)[1].tolist() == [[255, 1, 0], [255, 0, 1]]


def test_classes_are_those_of_pascal_voc_by_default(files):
    data = open_segmentation(layout_of(voc=voc(files, classes=None)), "voc")
    assert len(data.class_names) == 21
    assert data.class_names[16] == "pottedplant"
    assert data.readable_names[16] == "potted plant"


def test_folds_are_disjoint_and_a_limit_keeps_the_first(files):
    folds = [open_segmentation(layout_of(a=voc(files, fold=Fold(index=i, of=2))), "a").images["id"] for i in (0, 1)]
    assert sorted([*folds[0], *folds[1]]) == NAMES
    data = open_segmentation(layout_of(a=voc(files, fold=Fold(index=1, of=2), limit=2)), "a")
    assert data.images["id"].to_list() == folds[1].to_list()[:2]


def test_a_mask_of_another_size_than_its_image_is_one_line(files):
    write(files / "SegmentationClass/image-0.png", Image.fromarray(MASK.T))
    data = open_segmentation(layout_of(a=voc(files)), "a")
    line = the_line(data.load, 0, error=DataError)
    assert line.startswith(f"{files}/SegmentationClass/image-0.png: the mask is 2 x 3, its image ")
    assert line.endswith("image-0.jpg 3 x 2")


def test_an_unknown_index_and_a_broken_image_are_one_line(files):
    write(files / "SegmentationClass/image-0.png", Image.fromarray(MASK + 1))
    (files / "JPEGImages/image-1.jpg").write_text("no image")
    data = open_segmentation(layout_of(a=voc(files)), "a")
    assert "index 3 is not one of 3 classes" in the_line(data.load, 0, error=DataError)
    assert "image-1.jpg: cannot be used (not an image)" in the_line(data.load, 1, error=DataError)


@pytest.mark.parametrize("names", [["one"], ["one", "two", "one"], [str(number) for number in range(256)]])
def test_too_few_too_many_or_doubled_classes_are_one_line(files, names):
    (files / "classes.txt").write_text("\n".join(names))
    line = the_line(open_segmentation, layout_of(a=voc(files)), "a", error=DataError)
    assert line == f"{files / 'classes.txt'}: {len(names)} class names; give 2 to 255 of them, none twice"


def test_a_data_set_without_masks_or_without_images_is_one_line(files):
    captions = CocoDataset(format="coco", images="x", captions="y")
    layout = layout_of(captions=captions, shapes=voc(files))
    for name in ("captions", "nothing"):
        line = the_line(open_segmentation, layout, name, error=ParamsError)
        assert line == f"datasets: '{name}' is no data set with masks; known: shapes"
    (files / "ImageSets/Segmentation/val.txt").write_text("")
    assert "datasets.shapes: no image is left" in the_line(open_segmentation, layout, "shapes", error=DataError)
