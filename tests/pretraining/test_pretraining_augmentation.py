"""Random crops against torchvision's definition, written out plainly; what their randomness depends on."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ligature.pretraining.augmentation import (
    ATTEMPTS,
    crop_generator,
    random_crop_box,
    random_resized_crop,
)


def plain_box(width: int, height: int, scale: tuple[float, float], generator: np.random.Generator) -> tuple:
    """Returns left, top, right and bottom by the steps of torchvision.transforms.RandomResizedCrop.get_params."""
    area, ratio = height * width, (3 / 4, 4 / 3)
    for uniform in generator.random((10, 2)):
        target_area = area * (scale[0] + (scale[1] - scale[0]) * uniform[0])
        log_ratio = (math.log(ratio[0]), math.log(ratio[1]))
        aspect_ratio = math.exp(log_ratio[0] + (log_ratio[1] - log_ratio[0]) * uniform[1])
        w = round(math.sqrt(target_area * aspect_ratio))
        h = round(math.sqrt(target_area / aspect_ratio))
        if 0 < w <= width and 0 < h <= height:
            j, i = generator.integers([width - w + 1, height - h + 1])
            return j, i, j + w, i + h
    in_ratio = width / height
    if in_ratio < min(ratio):
        w, h = width, round(width / min(ratio))
    elif in_ratio > max(ratio):
        w, h = round(height * max(ratio)), height
    else:
        w, h = width, height
    i, j = (height - h) // 2, (width - w) // 2
    return j, i, j + w, i + h


SHARES = st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(lambda pair: tuple(sorted(pair)))


@settings(max_examples=25, deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), area=SHARES, seed=st.integers(0, 999))
def test_the_box_is_torchvisions_and_lies_inside(width, height, area, seed):
    found = random_crop_box(width, height, area, np.random.default_rng(seed))
    assert found == plain_box(width, height, area, np.random.default_rng(seed))
    left, top, right, bottom = found
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@settings(max_examples=25, deadline=None)
@given(width=st.integers(1, 50), height=st.integers(1, 50))
def test_where_no_draw_fits_the_middle_is_taken_as_torchvision_does(width, height):
    class Zero:
        def random(self, shape: tuple[int, int]) -> np.ndarray:
            assert shape == (ATTEMPTS, 2)
            return np.ones(shape)  # four times the area never fits

    found = random_crop_box(width, height, (4.0, 4.0), Zero())
    assert found == plain_box(width, height, (4.0, 4.0), Zero())


@pytest.mark.parametrize(
    ("size", "box"), [((100, 10), (43, 0, 56, 10)), ((10, 100), (0, 43, 10, 56)), ((12, 10), (0, 0, 12, 10))]
)
def test_the_central_crop_keeps_the_ratios(size, box):
    assert random_crop_box(*size, (9.0, 9.0), np.random.default_rng(0)) == box


def test_shares_and_ratios_are_distributed_as_defined():
    boxes = np.array([random_crop_box(1000, 1000, (0.2, 0.5), crop_generator(0, 0, row)) for row in range(4000)])
    wide, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    shares, ratios = wide * tall / 1e6, np.log(wide / tall)
    for values, low, high in ((shares, 0.2, 0.5), (ratios, math.log(3 / 4), math.log(4 / 3))):
        uniform = (np.sort(values) - low) / (high - low)
        steps = np.arange(1, 4001) / 4000
        assert np.abs(uniform - steps).max() < 1.95 / math.sqrt(4000)  # Kolmogorov and Smirnov, at 0.1 %
    assert abs(np.corrcoef(shares, ratios)[0, 1]) < 0.06
    assert abs((boxes[:, 0] / (1000 - wide)).mean() - 0.5) < 0.02
    assert abs((boxes[:, 1] / (1000 - tall)).mean() - 0.5) < 0.02


def test_a_draw_follows_from_seed_epoch_and_image_and_from_each_of_them():
    first = crop_generator(1, 2, 3).random(4)
    assert np.array_equal(first, crop_generator(1, 2, 3).random(4))
    for other in ((0, 2, 3), (1, 3, 3), (1, 2, 4), (2, 1, 3), (1, 3, 2)):
        assert not np.array_equal(first, crop_generator(*other).random(4))
    assert not np.array_equal(crop_generator(1, 2, 0).random(4), np.random.default_rng([1, 2]).random(4))


@settings(max_examples=25, deadline=None)
@given(width=st.integers(4, 40), height=st.integers(4, 40), size=st.integers(2, 24), seed=st.integers(0, 99))
def test_the_crop_is_cut_first_and_then_resized_by_the_bicubic_filter(width, height, size, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = random_resized_crop(Image.fromarray(pixels), size, (0.5, 1.0), np.random.default_rng(seed))
    left, top, right, bottom = random_crop_box(width, height, (0.5, 1.0), np.random.default_rng(seed))
    cut = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
    expected = cut.resize((size, size), Image.Resampling.BICUBIC)
    assert found.size == (size, size)
    assert np.array_equal(np.asarray(found), np.asarray(expected))


def test_the_image_that_is_cropped_is_left_as_it_was():
    image = Image.new("RGB", (20, 20), (1, 2, 3))
    before = image.tobytes()
    random_resized_crop(image, 8, (0.3, 0.5), crop_generator(0, 0, 0))
    assert (image.size, image.tobytes()) == ((20, 20), before)
