"""Data sets opened through a study: the study's world, its folds and limits, and real photographs."""

import os
from pathlib import Path

import numpy as np
import pytest
from dataset_files import the_line, write_class_folders, write_coco
from PIL import Image

from ligature.data import open_dataset, read_mask, read_translations, read_voc
from ligature.data.open import resolve_path
from ligature.data.scenes import LANGUAGES, class_names, write_world
from ligature.errors import DataError, ParamsError
from ligature.params import load_study, parse_study
from ligature.store import Layout

ROOT = Path(__file__).parents[2]
REALDATA = os.environ.get("LIGATURE_REALDATA")


def layout_of(tmp_path, **datasets):
    """Returns the layout of the tiny study with some of its data sets changed or added."""
    values = load_study(ROOT / "tests/studies/tiny.yaml").model_dump(mode="json")
    values["datasets"] |= {name.replace("_", "-"): values for name, values in datasets.items()}
    return Layout(parse_study(values, "tiny"), tmp_path)


@pytest.fixture
def captions(tmp_path):
    """Returns the block of a captioned data set of twelve images with two captions each."""
    images = [(number, f"{number}.jpg") for number in range(12)]
    texts = [(2 * number + k, number, f"caption {k} of {number}") for number in range(12) for k in range(2)]
    return {"format": "coco", "images": str(tmp_path), "captions": str(write_coco(tmp_path, images, texts))}


def test_a_data_set_bears_the_name_and_split_of_the_study(tmp_path, captions):
    dataset = open_dataset(layout_of(tmp_path, mine=captions | {"split": "second half"}), "mine")
    assert (dataset.name, dataset.split) == ("mine", "second half")
    assert (len(dataset.images), len(dataset.texts)) == (12, 24)


def test_fold_comes_before_limit(tmp_path, captions):
    fold = {"index": 1, "of": 3, "seed": 5}
    layout = layout_of(tmp_path, whole=captions, one=captions | {"fold": fold, "limit": 3})
    expected = open_dataset(layout, "whole").fold(1, 3, 5).images["id"].to_list()[:3]
    dataset = open_dataset(layout, "one")
    assert dataset.images["id"].to_list() == expected
    assert len(dataset.texts) == 6


@pytest.mark.parametrize(("limit", "left"), [(1, 1), (12, 12), (50, 12)])
def test_limit_keeps_the_first_images(tmp_path, captions, limit, left):
    dataset = open_dataset(layout_of(tmp_path, mine=captions | {"limit": limit}), "mine")
    assert dataset.images["id"].to_list() == [str(number) for number in range(left)]


def test_a_fold_without_images_is_one_line(tmp_path, captions):
    folds = {f"fold_{index}": captions | {"fold": {"index": index, "of": 13}} for index in range(13)}
    layout = layout_of(tmp_path, **folds)
    empty = []
    for index in range(13):
        try:
            assert len(open_dataset(layout, f"fold-{index}").images) == 1
        except DataError as error:
            empty.append(str(error))
    assert empty == ["datasets.fold-12: no image is left; check its files, fold and limit"]


def test_an_unknown_data_set_is_one_line_with_those_there_are(tmp_path):
    line = the_line(open_dataset, layout_of(tmp_path), "caption-val", error=ParamsError)
    assert line.startswith("datasets: unknown dataset 'caption-val'; known: captions-train, captions-val")


def test_paths_know_the_world_and_environment_variables(tmp_path, monkeypatch):
    layout = layout_of(tmp_path)
    monkeypatch.setenv("LIGATURE_HERE", "/data")
    monkeypatch.setenv("SUB_1", "photos")
    assert resolve_path("{world}/coco/val", layout) == tmp_path / "tiny/world/coco/val"
    assert resolve_path("${LIGATURE_HERE}/${SUB_1}/a", layout) == Path("/data/photos/a")
    assert resolve_path("$HOME/~/a", layout) == Path("$HOME/~/a")


@pytest.mark.parametrize("value", [None, ""])
def test_an_environment_variable_that_is_not_set_is_one_line(tmp_path, monkeypatch, captions, value):
    monkeypatch.delenv("LIGATURE_NOWHERE", raising=False)
    if value is not None:
        monkeypatch.setenv("LIGATURE_NOWHERE", value)
    layout = layout_of(tmp_path, mine=captions | {"images": "${LIGATURE_NOWHERE}/val"})
    line = the_line(open_dataset, layout, "mine", error=ParamsError)
    assert line == (
        "${LIGATURE_NOWHERE}/val: the environment variable LIGATURE_NOWHERE is not set; export it before the run"
    )


def test_class_folders_and_flickr_open_with_their_own_readers(tmp_path):
    images, classes = write_class_folders(tmp_path, ["n1/a.jpg", "n2/b.jpg"], "n1\tcat\nn2\tdog\n")
    (tmp_path / "captions.csv").write_text("image,caption\na.jpg,A cat .\n")
    layout = layout_of(
        tmp_path,
        folders={"format": "imagefolders", "images": str(images), "classes": str(classes), "templates": ["my {}"]},
        flickr={"format": "flickr", "images": str(images), "captions": str(tmp_path / "captions.csv")},
    )
    assert open_dataset(layout, "folders").texts["text"].to_list() == ["my cat", "my dog"]
    assert open_dataset(layout, "flickr").texts["text"].to_list() == ["A cat ."]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Returns the layout of the tiny study, with a smaller world rendered."""
    layout = layout_of(tmp_path_factory.mktemp("results"))
    sizes = {"coco": {"train": 6, "val": 4}, "imagenet": {"val": 1}, "voc": {"val": 3}}
    write_world(layout.world, seed=1, image_size=32, **sizes)
    return layout


def assert_pictures(dataset, mode="RGB"):
    for path in dataset.images["path"]:
        with Image.open(path) as picture:
            assert picture.mode == mode


def test_captioned_scenes_of_the_world_open_like_coco(world):
    for name, count in (("captions-train", 6), ("captions-val", 4)):
        dataset = open_dataset(world, name)
        assert len(dataset.images) == count
        assert dataset.texts["image_id"].value_counts().to_list() == [5] * count
        assert dataset.skipped_texts == []
        assert_pictures(dataset)


def test_labelled_scenes_of_the_world_open_like_imagenet(world):
    dataset = open_dataset(world, "labels-val")
    assert dataset.class_names == list(class_names())
    assert dataset.images["label"].to_list() == list(range(len(class_names())))
    assert dataset.texts["text"][0] == f"a photo of a {class_names()[0]}."
    assert_pictures(dataset)


def test_masks_of_the_world_open_like_voc(world):
    table = read_voc(world.world / "voc")
    classes = (world.world / "voc/classes.txt").read_text().splitlines()
    assert len(table) == 3
    for row in table.itertuples():
        mask = read_mask(Path(row.mask), classes=len(classes))
        with Image.open(row.path) as picture:
            assert mask.shape == (picture.height, picture.width)
        assert len(np.setdiff1d(mask, [0, 255])) > 0


def test_translations_of_the_world_belong_to_its_images(world):
    table = read_translations(world.world / "coco/annotations/multilingual_val.jsonl")
    assert set(table["language"]) == set(LANGUAGES)
    stems = [Path(path).stem for path in open_dataset(world, "captions-val").images["path"]]
    assert table["image_id"].drop_duplicates().to_list() == stems
    assert table["text"].str.len().min() > 5


def test_a_world_that_was_not_rendered_is_one_line(tmp_path):
    line = the_line(open_dataset, layout_of(tmp_path), "captions-val", error=DataError)
    assert line.startswith(
        f"{tmp_path / 'tiny/world/coco/annotations/captions_val.json'}: cannot be read (No such file"
    )


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return Layout(load_study(ROOT / "studies/photos.yaml"), tmp_path_factory.mktemp("results"))


realdata = [
    pytest.mark.realdata,
    pytest.mark.skipif(not REALDATA, reason="set LIGATURE_REALDATA to the folder of real data"),
]


class TestRealData:
    pytestmark = realdata

    @pytest.mark.parametrize(("name", "images"), [("coco", 159), ("coco-train", 80)])
    def test_coco(self, photos, name, images):
        dataset = open_dataset(photos, name)
        assert len(dataset.images) == images
        assert all(Path(path).is_file() for path in dataset.images["path"])
        counts = dataset.texts["image_id"].value_counts()
        assert set(counts.index) == set(dataset.images["id"])
        assert counts.between(5, 7).all()
        assert dataset.texts["text"].str.len().between(15, 300).all()
        assert dataset.texts["text"].str.contains(r"\b(?:a|the|two|on|in|with)\b", case=False).mean() > 0.95

    def test_flickr8k_halves(self, photos):
        halves = [open_dataset(photos, f"flickr-{part}") for part in ("train", "test")]
        assert [len(half.images) for half in halves] == [250, 250]
        assert not set(halves[0].images["id"]) & set(halves[1].images["id"])
        for half in halves:
            assert half.texts["image_id"].value_counts().eq(5).all()
            assert half.skipped_texts == []
            assert all(Path(path).is_file() for path in half.images["path"])

    def test_flickr8k_images_are_those_of_the_translations(self, photos):
        table = read_translations(Path(REALDATA) / "flickr8k/multilingual.jsonl")
        assert table["image_id"].nunique() == 460
        assert table["language"].value_counts().to_dict() == dict.fromkeys(("en", "de", "fr", "cs"), 460)
        known = {name for part in ("train", "test") for name in open_dataset(photos, f"flickr-{part}").images["id"]}
        assert set(table["image_id"]) <= known
        german = table[table["language"] == "de"]["text"]
        assert german.str.contains(r"\b(?:ein|eine|einem|einen|und|zwei)\b", case=False).mean() > 0.8

    def test_tiny_imagenet(self, photos):
        dataset = open_dataset(photos, "tiny-imagenet")
        assert len(dataset.class_names) == len(set(dataset.class_names)) == 200
        assert {"goldfish", "Egyptian cat"} <= set(dataset.class_names)
        assert dataset.images["label"].value_counts().eq(10).all()
        assert len(dataset.texts) == 200 * 3
        assert dataset.images["id"].is_unique

    def test_masks_with_the_classes_of_voc(self, photos):
        paths = sorted((Path(REALDATA) / "coco/voc21_masks").glob("*.png"))
        assert len(paths) == 159
        found = set()
        for path in paths:
            mask = read_mask(path, classes=21)
            found |= set(np.unique(mask).tolist())
            split, _, stem = path.stem.partition("_")
            with Image.open(Path(REALDATA) / "coco" / split / f"{stem}.jpg") as photograph:
                assert mask.shape == (photograph.height, photograph.width)
        assert {0, 15} <= found <= {*range(21), 255}
