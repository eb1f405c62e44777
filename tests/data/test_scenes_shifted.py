"""Shifted scenes: another look, other contents, and no other part of the world changed by them."""

import json

import numpy as np
import pytest

from ligature.data.scenes import write_world
from ligature.data.scenes.rendering import render
from ligature.data.scenes.sampling import generator, sample_scene
from ligature.data.scenes.scene import Scene
from ligature.data.scenes.shifted import MIN_OBJECTS, RARE_BACKGROUNDS, is_shifted, photograph
from ligature.errors import DataError

SIZES = {"coco": {"train": 12, "test": 6}, "imagenet": {}, "voc": {"val": 2}}


def write(root, **sizes):
    return write_world(root, seed=2, image_size=32, **SIZES, **sizes)


def bytes_of(root, folder):
    return {path.relative_to(root): path.read_bytes() for path in sorted((root / folder).rglob("*")) if path.is_file()}


def scenes_of(root, kind, split):
    lines = (root / kind / "annotations" / f"scenes_{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Scene.from_dict({key: value for key, value in json.loads(line).items() if key != "id"}) for line in lines]


def test_shifted_splits_leave_every_other_part_as_it_is(tmp_path):
    plain, more = write(tmp_path / "plain"), write(tmp_path / "more", shifted={"test": 5})
    for folder in ("coco", "voc"):
        assert bytes_of(plain.root, folder) == bytes_of(more.root, folder)
    assert not (plain.root / "shifted").exists()
    assert more.images == plain.images | {"shifted/test": 5}


def test_a_shifted_split_is_a_captioned_set_with_all_its_files(tmp_path):
    root = write(tmp_path / "world", shifted={"test": 5}).root
    assert len(list((root / "shifted/test").glob("*.jpg"))) == 5
    captions = json.loads((root / "shifted/annotations/captions_test.json").read_text(encoding="utf-8"))
    assert len(captions["images"]) == 5
    assert len(captions["annotations"]) == 25
    for kind in ("multilingual", "long"):
        assert len((root / f"shifted/annotations/{kind}_test.jsonl").read_text(encoding="utf-8").splitlines()) == 5


def test_shifted_scenes_are_never_training_scenes(tmp_path):
    root = write_world(
        tmp_path / "world",
        seed=2,
        image_size=32,
        coco={"train": 300, "test": 3},
        imagenet={},
        voc={},
        shifted={"test": 60},
    ).root
    train = {scene.key for scene in scenes_of(root, "coco", "train")}
    shifted = {scene.key for scene in scenes_of(root, "shifted", "test")}
    assert len(shifted) == 60
    assert not train & shifted


def test_shifted_scenes_hold_several_objects_before_rarer_backgrounds(tmp_path):
    root = write(tmp_path / "world", shifted={"test": 20}).root
    scenes = scenes_of(root, "shifted", "test")
    assert all(is_shifted(scene) for scene in scenes)
    assert {scene.background for scene in scenes} <= set(RARE_BACKGROUNDS)
    assert min(len(scene.objects) for scene in scenes) >= MIN_OBJECTS


def test_the_other_camera_is_soft_warm_flat_and_grainy():
    picture = render(sample_scene(generator(0, "test", 1)), 64)
    seen = photograph(picture, np.random.default_rng(0))
    assert seen.shape == picture.shape
    assert seen.dtype == np.uint8
    assert np.array_equal(seen, photograph(picture, np.random.default_rng(0)))
    assert not np.array_equal(seen, photograph(picture, np.random.default_rng(1)))
    red, _, blue = (seen - picture.astype(float)).mean(axis=(0, 1))
    assert red > blue
    assert seen[..., 1].std() < picture[..., 1].std()


def test_a_shifted_split_needs_a_split_of_coco(tmp_path):
    with pytest.raises(DataError, match="shifted: 'val' is no split of coco; known: train, test"):
        write(tmp_path / "world", shifted={"val": 5})
    assert not (tmp_path / "world").exists()


def test_a_shifted_split_of_no_size_is_refused(tmp_path):
    with pytest.raises(DataError, match="'test' with -1 scenes"):
        write(tmp_path / "world", shifted={"test": -1})
