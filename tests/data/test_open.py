"""Data sets opened through a study: the study's world, its folds and limits, and what each format needs."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmark_files import write_food_101
from dataset_files import the_line, write_class_folders, write_coco, write_picture
from PIL import Image

from ligature.data import open_dataset, read_mask, read_voc
from ligature.data.open import resolve_path
from ligature.data.scenes import LANGUAGES, class_names, write_world
from ligature.errors import DataError, ParamsError
from ligature.params import load_study, parse_study
from ligature.store import Layout

ROOT = Path(__file__).parents[2]


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


def test_prompt_sets_stand_beside_the_templates_and_in_the_first_part_alone(tmp_path):
    images, classes = write_class_folders(tmp_path, ["n1/a.jpg", "n2/b.jpg"], "n1\tcat\nn2\tdog\n")
    (tmp_path / "de.tsv").write_text("n1\tKatze\nn2\tHund\n")
    german = {"templates": ["Bild: {}"], "classes": str(tmp_path / "de.tsv"), "language": "de"}
    folders = {"format": "imagefolders", "images": str(images), "classes": str(classes), "templates": ["my {}"]}
    prompts = {"one": {"builtin": "single"}, "german": german}
    dataset = open_dataset(layout_of(tmp_path, folders=folders | {"prompts": prompts, "limit": 1}), "folders")
    assert dataset.texts["id"].to_list() == ["0#0", "1#0", "0#one#0", "1#one#0", "0#german#0", "1#german#0"]
    assert dataset.texts["variant"].to_list() == ["", "", "one", "one", "de", "de"]
    assert dataset.texts["text"].to_list()[-2:] == ["Bild: Katze", "Bild: Hund"]
    assert len(dataset.images) == 1
    assert dataset.part(0, 2).texts.equals(dataset.texts)
    assert dataset.part(1, 2).texts.empty


def test_a_benchmark_opens_by_its_format_with_the_names_of_the_study(tmp_path):
    write_food_101(tmp_path / "food")
    (tmp_path / "names.tsv").write_text("tacos\tTex-Mex tacos\napple_pie\tpie\n")
    food = {"format": "food-101", "root": str(tmp_path / "food"), "split": "test"}
    layout = layout_of(tmp_path, food=food, named=food | {"classes": str(tmp_path / "names.tsv")})
    dataset = open_dataset(layout, "food")
    assert (dataset.name, dataset.split, dataset.class_names) == ("food", "test", ["apple pie", "tacos"])
    assert dataset.images["label"].to_list() == [0, 0, 1]
    assert dataset.texts["text"].to_list() == ["a photo of a apple pie.", "a photo of a tacos."]
    assert open_dataset(layout, "named").class_names == ["pie", "Tex-Mex tacos"]


def test_a_benchmark_without_its_default_split_names_those_it_has(tmp_path):
    layout = layout_of(tmp_path, food={"format": "food-101", "root": str(tmp_path)})
    line = the_line(open_dataset, layout, "food", error=ParamsError)
    assert line == "format food-101: unknown split 'val'; set split to one of: test, train"


def test_karpathy_and_parallel_files_open_with_their_own_readers(tmp_path):
    entries = [
        {"filename": f"{number}.jpg", "split": split, "sentences": [{"raw": f"picture {number}"}]}
        for number, split in enumerate(["train", "test"])
    ]
    (tmp_path / "dataset.json").write_text(json.dumps({"images": entries}))
    for name, line in (("names.txt", "0.jpg\n1.jpg\n"), ("de.txt", "null\neins\n")):
        (tmp_path / name).write_text(line)
    for number in range(2):
        write_picture(tmp_path / f"{number}.jpg")
    karpathy = {"format": "karpathy", "images": str(tmp_path), "captions": str(tmp_path / "dataset.json")}
    files = {"names": str(tmp_path / "names.txt"), "captions": str(tmp_path / "de.txt")}
    parallel = {"format": "parallel", "images": str(tmp_path)} | files
    layout = layout_of(tmp_path, karpathy=karpathy | {"split": "test"}, lines=parallel)
    assert open_dataset(layout, "karpathy").texts["text"].to_list() == ["picture 1"]
    assert open_dataset(layout, "lines").texts["text"].to_list() == ["null", "eins"]


def test_translations_and_descriptions_are_added_before_fold_and_limit(tmp_path, captions):
    lines = [{"id": str(number), "de": f"Bild {number}"} for number in range(12)]
    (tmp_path / "de.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    lines = [{"id": str(number), "text": f"one two three {number}"} for number in range(12)]
    (tmp_path / "long.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    further = {
        "translations": {"format": "jsonl", "file": str(tmp_path / "de.jsonl"), "languages": ["de"]},
        "descriptions": {"file": str(tmp_path / "long.jsonl"), "words": [2]},
    }
    dataset = open_dataset(layout_of(tmp_path, mine=captions | further | {"limit": 3}), "mine")
    assert len(dataset.images) == 3
    assert dataset.texts["variant"].value_counts().to_dict() == {"": 6, "de": 3, "2w": 3, "all": 3}
    texts = dataset.texts.set_index("id")["text"]
    assert texts["2#de"] == "Bild 2"
    assert texts["1#2w"] == "one two"
    assert texts["1#all"] == "one two three 1"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"format": "voc", "root": "x"}, "voc"),
        ({"format": "pascal-context", "root": "x"}, "pascal-context"),
        ({"format": "masks", "images": "x", "masks": "y/{id}.png"}, "masks"),
    ],
)
def test_a_data_set_with_masks_is_left_to_the_segmentation_step(tmp_path, values, kind):
    line = the_line(open_dataset, layout_of(tmp_path, mine=values), "mine", error=ParamsError)
    assert line == (
        f"datasets.mine: format {kind} has masks, which the segmentation step reads; "
        "name it under evaluate.segmentation"
    )


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
    values = world.study.datasets["captions-val"].model_dump(mode="json")
    file = "{world}/coco/annotations/multilingual_val.jsonl"
    values["translations"] = {"format": "jsonl", "file": file, "languages": list(LANGUAGES)}
    dataset = open_dataset(layout_of(world.results, translated=values), "translated")
    for language in LANGUAGES:
        texts = dataset.texts[dataset.texts["variant"] == language]
        assert texts["image_id"].to_list() == dataset.images["id"].to_list()
        assert texts["text"].str.len().min() > 5


def test_a_world_that_was_not_rendered_is_one_line(tmp_path):
    line = the_line(open_dataset, layout_of(tmp_path), "captions-val", error=DataError)
    assert line.startswith(
        f"{tmp_path / 'tiny/world/coco/annotations/captions_val.json'}: cannot be read (No such file"
    )
