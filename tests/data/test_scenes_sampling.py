import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene_strategies import few, one_object_scene, scenes

from ligature.data.scenes import (
    Division,
    Scene,
    class_names,
    distinct_scenes,
    is_web_scene,
    sample_scene,
    sampling,
    single_scenes,
)
from ligature.data.scenes.division import WEB_SHARE
from ligature.data.scenes.layout import STANDS, apart
from ligature.data.scenes.vocabulary import BACKGROUNDS, COLOURS, FILLS, PLACES, SHAPES, SIZES
from ligature.errors import DataError

PARTS = ("coco/train", "coco/val", "imagenet/train", "imagenet/val", "voc/val")


def take(part, count, seed=0):
    division = Division(PARTS)
    return list(distinct_scenes(part, count, seed=seed, accept=lambda scene: division.owner(scene) == part))


@few
@given(scene=scenes)
def test_scenes_are_made_of_the_vocabulary(scene):
    assert 1 <= len(scene.objects) <= 3
    assert scene.background in BACKGROUNDS
    for item in scene.objects:
        assert item.shape in SHAPES
        assert item.colour in COLOURS
        assert item.size in SIZES
        assert item.fill in FILLS
        assert item.place in PLACES


@few
@given(scene=scenes)
def test_objects_differ_in_place_and_class_and_stand_in_reading_order(scene):
    cells = [item.cell for item in scene.objects]
    assert cells == sorted(set(cells))
    assert len(set(scene.labels)) == len(scene.objects)
    for one, other in itertools.combinations(scene.objects, 2):
        assert apart((one.size, one.place), (other.size, other.place))


@few
@given(scene=scenes)
def test_plain_values_and_back(scene):
    assert Scene.from_dict(scene.as_dict()) == scene


@few
@given(seed=st.integers(0, 10**6), objects=st.integers(1, 3), name=st.sampled_from(class_names()))
def test_number_and_class_can_be_asked_for(seed, objects, name):
    scene = sample_scene(np.random.default_rng(seed), objects=objects, class_name=name)
    assert len(scene.objects) == objects
    assert name in scene.labels


@pytest.mark.parametrize("wrong", [{"objects": 0}, {"objects": 4}, {"class_name": "beige star"}])
def test_a_wrong_number_or_class_is_one_line(wrong):
    with pytest.raises(DataError) as caught:
        sample_scene(np.random.default_rng(0), **wrong)
    assert "\n" not in str(caught.value)


def test_there_is_always_room_for_a_third_object():
    for one, other in itertools.product(STANDS, STANDS):
        if apart(one, other):
            assert any(apart(one, third) and apart(other, third) for third in STANDS)


def test_every_word_is_drawn_about_equally_often():
    drawn = [sample_scene(np.random.default_rng(seed)) for seed in range(3000)]
    items = [item for scene in drawn for item in scene.objects]
    for options, found in (
        (SHAPES, Counter(item.shape for item in items)),
        (COLOURS, Counter(item.colour for item in items)),
        (FILLS, Counter(item.fill for item in items)),
        (BACKGROUNDS, Counter(scene.background for scene in drawn)),
    ):
        expected = found.total() / len(options)
        assert all(0.75 * expected < found[option] < 1.25 * expected for option in options)
    lengths = Counter(len(scene.objects) for scene in drawn)
    for length, probability in enumerate(sampling.OBJECT_COUNTS, 1):
        assert lengths[length] / 3000 == pytest.approx(probability, abs=0.04)


def test_key_ignores_variation_and_order_and_nothing_else():
    scene = sample_scene(np.random.default_rng(0), objects=3)
    assert Scene(scene.objects[::-1], scene.background, 99).key == scene.key
    changed = [
        one_object_scene(),
        one_object_scene(shape="ring"),
        one_object_scene(colour="blue"),
        one_object_scene(size="small"),
        one_object_scene(fill="dotted"),
        one_object_scene(place="top left"),
        one_object_scene(background="grid"),
    ]
    assert len({scene.key for scene in changed}) == len(changed)


def test_single_scenes_are_all_the_combinations():
    keys = {scene.key for scene in single_scenes("blue ring")}
    assert len(keys) == len(SIZES) * len(FILLS) * len(PLACES) * len(BACKGROUNDS)
    assert all(scene.labels == ("blue ring",) for scene in single_scenes("blue ring"))


def test_a_longer_sequence_begins_with_the_shorter_one():
    assert take("coco/val", 30)[:10] == take("coco/val", 10)


def test_sequences_of_one_seed_repeat_and_of_two_seeds_differ():
    assert take("voc/val", 10) == take("voc/val", 10)
    assert take("voc/val", 10) != take("voc/val", 10, seed=1)


def test_parts_never_share_a_scene_and_never_repeat_one():
    keys = [scene.key for part in ("coco/train", "coco/val", "voc/val") for scene in take(part, 150)]
    assert len(set(keys)) == len(keys)


def test_an_accepted_scene_keeps_the_drawn_number_of_objects():
    counts = Counter(len(scene.objects) for scene in take("coco/val", 300))
    assert counts[1] / 300 == pytest.approx(sampling.OBJECT_COUNTS[0], abs=0.09)


def test_an_exhausted_world_ends_in_one_line():
    wanted = {scene.key for scene in take("coco/val", 3)}
    with pytest.raises(DataError, match="coco/val: 5 scenes asked for, but the world holds only about 0"):
        list(distinct_scenes("coco/val", 5, seed=1, accept=lambda scene: scene.key in wanted))


def test_division_gives_every_scene_to_one_part_and_leaves_the_web_its_share():
    division = Division(PARTS)
    owners = Counter(division.owner(scene) for name in class_names()[:20] for scene in single_scenes(name))
    assert set(owners) == {*PARTS, None}
    assert owners[None] / owners.total() == pytest.approx(WEB_SHARE, abs=0.01)
    assert owners["imagenet/train"] > 3 * owners["imagenet/val"] > 3 * owners["voc/val"]


def test_division_depends_on_names_and_not_on_their_order():
    one, other = Division(PARTS), Division(reversed(PARTS))
    for scene in itertools.islice(single_scenes("red star"), 300):
        assert one.owner(scene) == other.owner(scene)


@few
@given(scene=scenes)
def test_web_scenes_belong_to_no_part_of_any_world(scene):
    for parts in (PARTS, ("coco/val",), ("imagenet/train", "voc/train")):
        owner = Division(parts).owner(scene)
        assert (owner is None) >= is_web_scene(scene)
        if len(scene.objects) == 1:
            assert (owner is None) == is_web_scene(scene)


def test_imagenet_parts_own_no_scene_with_several_objects():
    division = Division(PARTS)
    rng = np.random.default_rng(0)
    owners = {division.owner(sample_scene(rng, objects=2)) for _ in range(300)}
    assert owners == {"coco/train", "coco/val", "voc/val", None}
