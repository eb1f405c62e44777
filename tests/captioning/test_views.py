"""Tiles of images: their geometry by formula and by transformers' own processor, their order and odd images."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_models import layout
from tiny_towers import tiny_vision_params

from ligature.captioning.vision import load_tower, split_views, tile_grid
from ligature.data.images import read_image

SIDE = 16


def plain_grid(width, height, most, side):
    """SmolVLM's steps one by one: to a longest edge of whole tiles, then the other edge up to whole tiles."""
    for count in range(math.ceil(math.sqrt(most)), 1, -1):
        edge = count * side
        if width >= height:
            shape = (math.ceil(max(1, edge * height // width) / side), count)
        else:
            shape = (count, math.ceil(max(1, edge * width // height) / side))
        if shape[0] * shape[1] <= most:
            return shape
    return 0, 0


def noise(width, height, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 16), st.sampled_from([8, 16, 224, 512]))
@settings(max_examples=25, deadline=None)
def test_the_grid_follows_the_formula_and_the_limit(width, height, most, side):
    rows, columns = tile_grid(width, height, most, side)
    assert (rows, columns) == plain_grid(width, height, most, side)
    assert rows * columns <= most
    assert rows * columns != 1
    assert (columns >= rows) if width >= height else (rows >= columns)
    assert tile_grid(height, width, most, side) == ((columns, rows) if width != height else (rows, columns))


@given(st.integers(8, 200), st.integers(8, 200))
@settings(max_examples=25, deadline=None)
def test_with_square_limits_the_grid_is_that_of_smolvlms_processor(width, height):
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    for most in (4, 9, 16):
        edge = {"longest_edge": math.isqrt(most) * SIDE}
        processor = SmolVLMImageProcessorPil(size=edge, max_image_size={"longest_edge": SIDE})
        given = processor(images=[[noise(width, height)]], return_row_col_info=True)
        assert tile_grid(width, height, most, SIDE) == (given["rows"][0][0], given["cols"][0][0])


@pytest.mark.parametrize(
    ("size", "most", "expected"),
    [
        ((100, 100), 0, (0, 0)),
        ((100, 100), 1, (0, 0)),
        ((100, 100), 2, (0, 0)),
        ((100, 100), 3, (0, 0)),
        ((100, 100), 16, (4, 4)),
        ((640, 480), 16, (3, 4)),
        ((480, 640), 16, (4, 3)),
        ((640, 480), 9, (3, 3)),
        ((640, 480), 12, (3, 4)),
        ((200, 100), 2, (1, 2)),
        ((1600, 16), 16, (1, 4)),
        ((16, 1600), 16, (4, 1)),
        ((1, 1), 16, (4, 4)),
    ],
)
def test_known_grids(size, most, expected):
    assert tile_grid(*size, most, SIDE) == expected


def test_no_tiles_give_the_image_itself_alone():
    image = noise(50, 30)
    for most in (0, 1):
        views = split_views(image, most, SIDE)
        assert views.images == [image]
        assert views.shape == (0, 0)


def test_tiles_of_a_gradient_are_in_reading_order_and_the_whole_is_last():
    across, down = np.meshgrid(np.linspace(0, 255, 64), np.linspace(0, 255, 48))
    image = Image.fromarray(np.stack([across, down, 0 * down], axis=2).round().astype(np.uint8))
    views = split_views(image, 12, SIDE)
    assert (views.rows, views.columns, len(views.images)) == (3, 4, 13)
    assert {view.size for view in views.images} == {(SIDE, SIDE)}
    means = np.array([np.asarray(view, dtype=float).mean(axis=(0, 1)) for view in views.images])
    for number, (red, green, _) in enumerate(means[:-1]):
        row, column = divmod(number, 4)
        assert red == pytest.approx(255 * (column + 0.5) / 4, abs=3)
        assert green == pytest.approx(255 * (row + 0.5) / 3, abs=3)
    assert means[-1] == pytest.approx([127.5, 127.5, 0], abs=1.5)


def test_tiles_put_together_are_the_resized_image():
    image = noise(70, 40)
    views = split_views(image, 16, SIDE)
    tiles = np.array([np.asarray(view) for view in views.images[:-1]]).reshape(views.rows, views.columns, SIDE, SIDE, 3)
    joined = tiles.transpose(0, 2, 1, 3, 4).reshape(views.rows * SIDE, views.columns * SIDE, 3)
    resized = image.resize((views.columns * SIDE, views.rows * SIDE), Image.Resampling.LANCZOS)
    assert np.array_equal(joined, np.asarray(resized))


def write_odd(name, folder):
    """Writes an image of an odd kind and returns its path."""
    colours = noise(24, 18)
    path = folder / f"{name}.{'gif' if name == 'animated' else 'png' if name not in ('cmyk',) else 'jpg'}"
    if name == "pixel":
        Image.new("RGB", (1, 1), (200, 10, 30)).save(path)
    elif name == "grey":
        colours.convert("L").save(path)
    elif name == "cmyk":
        colours.convert("CMYK").save(path)
    elif name == "palette":
        colours.quantize(8).save(path, transparency=0)
    elif name == "animated":
        frames = [Image.new("RGB", (20, 12), colour) for colour in ((255, 0, 0), (0, 0, 255))]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    else:
        noise(800, 9).save(path)
    return path


@pytest.fixture(scope="module")
def tower(tmp_path_factory):
    return load_tower(tiny_vision_params(tmp_path_factory.mktemp("siglip"), "siglip"), layout())


@pytest.mark.parametrize("most", [0, 16])
@pytest.mark.parametrize("name", ["pixel", "grey", "cmyk", "palette", "animated", "wide"])
def test_odd_images_work_to_the_end(name, most, tower, tmp_path):
    image, _ = read_image(str(write_odd(name, tmp_path)))
    views = split_views(image, most, tower.side)
    tokens = tower(torch.stack([tower.preprocess(view) for view in views.images]))
    assert tokens.shape == (views.rows * views.columns + 1, tower.tokens, tower.width)
    assert torch.isfinite(tokens).all()
    if most and name == "wide":
        assert views.shape == (1, 4)


def test_of_an_animated_image_the_first_frame_is_seen(tower, tmp_path):
    image, _ = read_image(str(write_odd("animated", tmp_path)))
    first = tower.preprocess(Image.new("RGB", (20, 12), (255, 0, 0)))
    assert torch.equal(tower.preprocess(image), first)


def test_a_grey_image_has_three_like_channels(tower, tmp_path):
    image, _ = read_image(str(write_odd("grey", tmp_path)))
    red, green, blue = tower.preprocess(image)
    assert torch.equal(red, green)
    assert torch.equal(green, blue)
