import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene_strategies import few, one_object_scene, scenes

from ligature.data.scenes import mask, placements, render
from ligature.data.scenes.backgrounds import paint_background
from ligature.data.scenes.distance import EXTENT, distance, polygon_distance
from ligature.data.scenes.files import voc_palette
from ligature.data.scenes.rendering import _distances, place_all
from ligature.data.scenes.vocabulary import BACKGROUNDS, COLOURS, FILLS, SHAPES, SIZES, VOID

SQUARE = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
ARROW = [(-1.0, -0.3), (0.2, -0.3), (0.2, -0.8), (1.0, 0.0), (0.2, 0.8), (0.2, 0.3), (-1.0, 0.3)]


def plain_polygon_distance(points, x, y):
    """Distance to a densely sampled boundary; inside by the winding angle."""
    nearest, winding = math.inf, 0.0
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        for step in range(401):
            t = step / 400
            nearest = min(nearest, math.dist((x, y), (x0 + t * (x1 - x0), y0 + t * (y1 - y0))))
        turn = math.atan2(y1 - y, x1 - x) - math.atan2(y0 - y, x0 - x)
        winding += (turn + math.pi) % (2 * math.pi) - math.pi
    return -nearest if abs(winding) > 1 else nearest


def plain_coverage(placement, image_size, samples=8):
    """Share of every pixel that lies inside the shape, by counting sub-pixels."""
    steps = (np.arange(image_size * samples) + 0.5) / samples
    x, y = np.meshgrid((steps - placement.x) / placement.radius, (steps - placement.y) / placement.radius)
    cos, sin = math.cos(placement.angle), math.sin(placement.angle)
    inside = distance(placement.item.shape, cos * x + sin * y, cos * y - sin * x) < 0
    return inside.reshape(image_size, samples, image_size, samples).mean((1, 3))


def background_of(scene, image_size):
    """The picture without its objects."""
    rng = random.Random(scene.variation)
    place_all(scene, image_size, rng)
    return paint_background(scene.background, image_size, rng)


@few
@given(
    polygon=st.sampled_from([SQUARE, ARROW]),
    x=st.floats(-EXTENT, EXTENT),
    y=st.floats(-EXTENT, EXTENT),
)
def test_polygon_distance_agrees_with_a_sampled_boundary(polygon, x, y):
    fast = polygon_distance(polygon, np.array([x]), np.array([y]))[0]
    plain = plain_polygon_distance(polygon, x, y)
    assert abs(fast) == pytest.approx(abs(plain), abs=0.005)
    if abs(plain) > 0.01:
        assert (fast < 0) == (plain < 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_coverage_from_the_table_agrees_with_sub_pixel_counting(shape):
    placement = placements(one_object_scene(shape, size="medium", variation=5), 64)[0]
    rows, columns, far = _distances(placement, 64)
    fast = np.zeros((64, 64))
    fast[rows, columns] = np.clip(0.5 - far, 0, 1)
    plain = plain_coverage(placement, 64)
    assert np.abs(fast - plain).max() < 0.4
    assert np.abs(fast - plain)[plain > 0].mean() < 0.012


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_fills_its_radius_and_not_more(shape):
    steps = np.linspace(-EXTENT, EXTENT, 301)
    x, y = np.meshgrid(steps, steps)
    inside = distance(shape, x, y) < 0
    assert 0.85 < np.hypot(x, y)[inside].max() < 1.2
    assert inside.mean() > 0.08


def test_no_two_shapes_look_alike_when_small():
    areas = {shape: mask(one_object_scene(shape, size="small"), 64) > 0 for shape in SHAPES}
    for one, other in itertools.combinations(SHAPES, 2):
        union, common = (areas[one] | areas[other]).sum(), (areas[one] & areas[other]).sum()
        assert common / union < 0.93, (one, other)


def test_colours_are_far_apart():
    for one, other in itertools.combinations(COLOURS.values(), 2):
        assert math.dist(one, other) > 75


@few
@given(scene=scenes, image_size=st.sampled_from([32, 64, 97]))
def test_picture_and_mask_have_the_size_asked_for(scene, image_size):
    picture, classes = render(scene, image_size), mask(scene, image_size)
    assert picture.shape == (image_size, image_size, 3)
    assert classes.shape == (image_size, image_size)
    assert picture.dtype == classes.dtype == np.uint8
    shapes = {SHAPES.index(item.shape) + 1 for item in scene.objects}
    assert set(np.unique(classes)) == shapes | {0, VOID}


@few
@given(scene=scenes)
def test_same_scene_gives_same_bytes(scene):
    assert render(scene, 64).tobytes() == render(scene, 64).tobytes()
    assert mask(scene, 64).tobytes() == mask(scene, 64).tobytes()


def test_variation_changes_pixels_and_not_the_description():
    one, other = (one_object_scene(variation=variation) for variation in (1, 2))
    assert one.key == other.key
    assert (render(one, 64) != render(other, 64)).any()
    assert placements(one, 64)[0].angle != placements(other, 64)[0].angle


@few
@given(scene=scenes)
def test_mask_is_where_the_picture_differs_from_its_background(scene):
    classes = mask(scene, 64)
    changed = np.abs(render(scene, 64).astype(float) - background_of(scene, 64)).max(axis=2) > 12
    assert changed[classes == 0].mean() < 0.13
    fills = {}
    for item in scene.objects:
        fills.setdefault(SHAPES.index(item.shape) + 1, set()).add(item.fill)
    for index, names in fills.items():
        least = {"solid": 0.98, "outlined": 0.15, "striped": 0.5, "dotted": 0.5}
        assert changed[classes == index].mean() > min(least[name] for name in names)


@pytest.mark.parametrize(("colour", "fill"), list(itertools.product(COLOURS, FILLS)))
def test_colour_of_the_object_dominates_inside_the_mask(colour, fill):
    scene = one_object_scene("square", colour, "medium", fill, background="beige", variation=3)
    area = render(scene, 64)[mask(scene, 64) != 0].astype(float)
    names = [*COLOURS, "pale"]
    nominal = np.array([*COLOURS.values(), (240, 240, 240)], float)
    nearest = np.linalg.norm(area[:, None] - nominal, axis=2).argmin(axis=1)
    votes = Counter(names[index] for index in nearest)
    del votes["pale"]
    assert votes.most_common(1)[0][0] == colour


@pytest.mark.parametrize("fill", FILLS)
def test_fills_of_one_shape_differ(fill):
    pictures = {name: render(one_object_scene(fill=name), 64).astype(float) for name in FILLS}
    for other in set(FILLS) - {fill}:
        assert (np.abs(pictures[fill] - pictures[other]).max(axis=2) > 60).sum() > 20


def test_sizes_grow():
    areas = [(mask(one_object_scene("circle", size=size), 64) > 0).sum() for size in SIZES]
    assert areas[1] > 1.5 * areas[0]
    assert areas[2] > 1.5 * areas[1]


@few
@given(scene=scenes)
def test_objects_stand_in_their_places(scene):
    for placement in placements(scene, 60):
        row, column = placement.item.cell
        assert (int(placement.y // 20), int(placement.x // 20)) == (row, column)


@few
@given(scene=scenes)
def test_objects_do_not_cover_one_another(scene):
    covered = np.zeros((128, 128), int)
    for placement in placements(scene, 128):
        rows, columns, far = _distances(placement, 128)
        covered[rows, columns] += far < -0.5
    assert covered.max() == 1


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_backgrounds_are_calm_enough_for_every_colour(background):
    picture = render(one_object_scene(background=background), 64)
    corner = picture[:12].reshape(-1, 3).astype(float)
    for colour in COLOURS.values():
        assert np.linalg.norm(corner - colour, axis=1).mean() > 40


def test_palette_is_the_voc_one():
    palette = np.array(voc_palette()).reshape(256, 3).tolist()
    assert palette[:4] == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert palette[15] == [192, 128, 128]
    assert palette[20] == [0, 64, 128]
    assert palette[255] == [224, 224, 192]
