import json

import numpy as np
import pytest
from PIL import Image

from ligature.data.imagefolders import read_class_names
from ligature.data.scenes import Scene, class_names, write_world
from ligature.data.scenes import world as world_module
from ligature.data.scenes.captions import LANGUAGES, english_captions, long_description, translations
from ligature.data.scenes.captions.class_names import translated_class_names
from ligature.data.scenes.vocabulary import SHAPES, VOID
from ligature.errors import DataError

SIZES = {"coco": {"train": 12, "val": 6}, "imagenet": {"train": 2, "val": 1}, "voc": {"train": 3, "val": 5}}
SMALL = {"coco": {"val": 2}, "imagenet": {}, "voc": {}}


def write(root, sizes=SIZES, seed=3, image_size=48):
    return write_world(root, seed=seed, image_size=image_size, **sizes)


def read_bytes(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def read_rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    return write(tmp_path_factory.mktemp("scenes") / "world")


@pytest.fixture
def root(summary):
    return summary.root


def test_summary_counts_what_is_on_disk(summary):
    images = {"coco/train": 12, "coco/val": 6, "imagenet/train": 192, "imagenet/val": 96}
    assert summary.images == images | {"voc/train": 3, "voc/val": 5}
    assert summary.classes == 96
    assert len(list(summary.root.rglob("*.[jJ]*[gG]"))) == sum(summary.images.values())


def test_same_arguments_give_the_same_bytes(root, tmp_path):
    write(tmp_path / "again")
    assert read_bytes(tmp_path / "again") == read_bytes(root)


def test_another_seed_gives_other_scenes(tmp_path):
    write(tmp_path / "one", SMALL)
    write(tmp_path / "two", SMALL, seed=4)
    scenes = [read_rows(tmp_path / name / "coco/annotations/scenes_val.jsonl") for name in ("one", "two")]
    assert scenes[0] != scenes[1]


def test_larger_splits_change_no_other_split_and_keep_their_beginning(root, tmp_path):
    larger = {"coco": {"train": 20, "val": 6}, "imagenet": {"train": 3, "val": 1}, "voc": {"train": 7, "val": 5}}
    write(tmp_path / "larger", larger)
    before, after = read_bytes(root), read_bytes(tmp_path / "larger")
    lists = {"coco/annotations", "voc/ImageSets"}
    for name, content in before.items():
        if "train" in name and any(name.startswith(folder) for folder in lists):
            continue
        assert after[name] == content, name
    rows = read_rows(tmp_path / "larger/coco/annotations/scenes_train.jsonl")
    assert rows[:12] == read_rows(root / "coco/annotations/scenes_train.jsonl")


def test_no_scene_occurs_twice_and_classes_are_right(tmp_path, monkeypatch):
    drawn = []

    def recording_render(scene, image_size):
        drawn.append(scene)
        return np.zeros((image_size, image_size, 3), np.uint8)

    monkeypatch.setattr(world_module, "render", recording_render)
    sizes = {"coco": {"train": 120, "val": 60}, "imagenet": {"train": 2, "val": 1}, "voc": {"val": 60}}
    written = write(tmp_path / "world", sizes)
    assert len(drawn) == sum(written.images.values())
    assert len({scene.key for scene in drawn}) == len(drawn)
    train = [scene.labels for scene in drawn[180 : 180 + 2 * 96]]
    assert train == [(name,) for name in class_names() for _ in range(2)]


def test_coco_captions_file_has_the_coco_schema(root):
    for split, count in SIZES["coco"].items():
        table = json.loads((root / f"coco/annotations/captions_{split}.json").read_text(encoding="utf-8"))
        assert set(table) == {"info", "licenses", "images", "annotations"}
        assert [image["id"] for image in table["images"]] == list(range(1, count + 1))
        assert len({row["id"] for row in table["annotations"]}) == 5 * count
        for image in table["images"]:
            with Image.open(root / "coco" / split / image["file_name"]) as picture:
                assert picture.size == (image["width"], image["height"]) == (48, 48)
                assert (picture.format, picture.mode) == ("JPEG", "RGB")
            captions = [row["caption"] for row in table["annotations"] if row["image_id"] == image["id"]]
            assert len(set(captions)) == 5


def test_rows_beside_the_captions_belong_to_the_scenes(root):
    folder = root / "coco/annotations"
    table = json.loads((folder / "captions_val.json").read_text(encoding="utf-8"))
    kinds = ("scenes", "multilingual", "long")
    for number, (plain, many, long) in enumerate(
        zip(*(read_rows(folder / f"{kind}_val.jsonl") for kind in kinds), strict=True), 1
    ):
        assert plain["id"] == many["id"] == long["id"] == f"{number:012d}"
        scene = Scene.from_dict({key: value for key, value in plain.items() if key != "id"})
        assert many == {"id": plain["id"]} | translations(scene, seed=3)
        assert set(many) == {"id", *LANGUAGES}
        assert long["text"] == long_description(scene, seed=3)
        captions = [row["caption"] for row in table["annotations"] if row["image_id"] == number]
        assert captions == list(english_captions(scene, seed=3))


def test_imagenet_folders_agree_with_the_class_table(root):
    lines = (root / "imagenet/classes.tsv").read_text(encoding="utf-8").splitlines()
    classes = dict(line.split("\t") for line in lines)
    assert list(classes) == [f"n{number:08d}" for number in range(1, 97)]
    assert tuple(classes.values()) == class_names()
    for split, count in SIZES["imagenet"].items():
        assert {path.name for path in (root / "imagenet" / split).iterdir()} == set(classes)
        for name in classes:
            files = sorted(path.name for path in (root / "imagenet" / split / name).iterdir())
            assert files == [f"{name}_{number}.JPEG" for number in range(1, count + 1)]


def test_class_tables_of_other_languages_stand_beside_the_english_one(root):
    english = read_class_names(root / "imagenet/classes.tsv")
    files = sorted(path.name for path in (root / "imagenet").glob("*.tsv"))
    assert files == ["classes.tsv", *(f"classes_{language}.tsv" for language in ("de", "fr", "ja", "ru"))]
    for language, names in translated_class_names().items():
        table = read_class_names(root / f"imagenet/classes_{language}.tsv")
        assert list(table) == list(english)
        assert tuple(table.values()) == names


def test_voc_masks_are_palette_images_of_class_indices(root):
    folder = root / "voc"
    assert (folder / "classes.txt").read_text().split() == ["background", *SHAPES]
    listed = []
    for split, count in SIZES["voc"].items():
        names = (folder / f"ImageSets/Segmentation/{split}.txt").read_text().split()
        assert len(names) == count
        listed += names
        for name in names:
            with Image.open(folder / f"SegmentationClass/{name}.png") as image:
                assert (image.mode, image.size) == ("P", (48, 48))
                assert image.getpalette()[3:6] == [128, 0, 0]
                indices = set(np.unique(np.asarray(image)).tolist())
            assert {0, VOID} < indices <= {*range(len(SHAPES) + 1), VOID}
    for kind in ("JPEGImages", "SegmentationClass"):
        assert sorted(path.stem for path in (folder / kind).iterdir()) == sorted(listed)


def test_an_existing_world_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    write(folder, SMALL)
    assert not (folder / "old.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["world"]


def test_a_failure_leaves_the_old_world_and_nothing_else(tmp_path, monkeypatch):
    folder = tmp_path / "world"
    write(folder, SMALL)
    before = read_bytes(folder)

    def broken_jpeg(path, picture):
        raise OSError("no space left")

    monkeypatch.setattr(world_module, "write_jpeg", broken_jpeg)
    with pytest.raises(OSError, match="no space"):
        write(folder, SMALL, seed=9)
    assert read_bytes(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["world"]


def test_more_images_of_a_class_than_the_world_holds_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"imagenet/val: 2000 images of every class .* holds \d+$"):
        write(tmp_path / "world", {"coco": {}, "imagenet": {"val": 2000}, "voc": {}})
    assert not (tmp_path / "world").exists()


@pytest.mark.parametrize(
    ("changed", "image_size"),
    [({"coco": {"val": -1}}, 48), ({"voc": {"../val": 1}}, 48), ({"coco": {"": 1}}, 48), ({}, 16)],
)
def test_senseless_arguments_are_one_line(tmp_path, changed, image_size):
    with pytest.raises(DataError) as caught:
        write(tmp_path / "world", SMALL | changed, image_size=image_size)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
