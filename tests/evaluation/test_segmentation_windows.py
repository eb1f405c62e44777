import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn.functional import interpolate

from ligature.evaluation.segmentation import cut_windows, merge_windows
from ligature.evaluation.segmentation.windows import resize_maps, window_starts


@st.composite
def windows_of_a_side(draw):
    """Returns a length, a window and a stride that may stand together in a study."""
    window = draw(st.integers(1, 40))
    return draw(st.integers(window, 150)), window, draw(st.integers(1, window))


@settings(max_examples=25, deadline=None)
@given(windows_of_a_side())
def test_windows_cover_every_pixel_and_end_with_the_last(case):
    length, window, stride = case
    starts = window_starts(length, window, stride)
    covered = np.zeros(length, dtype=int)
    for start in starts:
        assert start >= 0
        covered[start : start + window] += 1
    assert covered.min() >= 1
    assert starts[-1] + window == length
    assert len(set(starts)) == len(starts)
    assert np.diff(starts).max(initial=0) <= stride


def test_a_window_as_long_as_the_image_stands_alone():
    assert window_starts(64, 64, 64) == window_starts(64, 64, 8) == [0]
    assert window_starts(128, 64, 64) == [0, 64]
    assert window_starts(130, 64, 64) == [0, 64, 66]


@pytest.mark.parametrize(("size", "scaled"), [((80, 40), (20, 40)), ((40, 80), (40, 20)), ((33, 33), (20, 20))])
def test_the_shorter_side_is_scaled_and_the_longer_follows(size, scaled):
    windows = cut_windows(Image.new("RGB", size), 20, 10, 5)
    assert windows.size == scaled
    assert windows.pixels.shape == (len(windows.corners), 10, 10, 3)
    assert windows.pixels.dtype == np.uint8


def test_the_scaled_side_is_exact_for_a_very_long_image():
    assert cut_windows(Image.new("RGB", (999, 10)), 16, 16, 16).size == (16, 1598)


def test_windows_are_cut_where_they_say():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    windows = cut_windows(Image.fromarray(pixels), 30, 16, 8)
    assert windows.size == (30, 50)
    assert windows.corners[0] == (0, 0)
    assert windows.corners[-1] == (14, 34)
    for part, (top, left) in zip(windows.pixels, windows.corners, strict=True):
        assert np.array_equal(part, pixels[top : top + 16, left : left + 16])


def plain_merge(maps, corners, size, window):
    """The mean at every pixel of the windows that cover it, pixel by pixel."""
    large = [interpolate(part[None], size=(window, window), mode="bilinear")[0].numpy() for part in maps]
    merged = np.zeros((maps.shape[1], *size))
    for y in range(size[0]):
        for x in range(size[1]):
            over = [
                part[:, y - top, x - left]
                for part, (top, left) in zip(large, corners, strict=True)
                if top <= y < top + window and left <= x < left + window
            ]
            merged[:, y, x] = np.mean(over, axis=0)
    return merged


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 4), st.integers(1, 4), st.integers(0, 9))
def test_merged_windows_are_the_mean_of_what_covers_a_pixel(seed, window, grid, texts, more):
    stride = 1 + seed % window
    corners = [
        (y, x) for y in window_starts(window, window, stride) for x in window_starts(window + more, window, stride)
    ]
    maps = torch.from_numpy(np.random.default_rng(seed).normal(size=(len(corners), texts, grid, grid))).float()
    size = (window, window + more)
    merged = merge_windows(maps, corners, size, window)
    assert merged.shape == (texts, *size)
    assert np.allclose(merged, plain_merge(maps, corners, size, window), atol=1e-5)


def test_maps_are_resized_to_the_mask():
    maps = torch.rand(2, 6, 8)
    assert resize_maps(maps, (6, 8)) is maps
    assert resize_maps(maps, (12, 4)).shape == (2, 12, 4)
    assert torch.allclose(resize_maps(torch.ones(1, 3, 3), (7, 5)), torch.ones(1, 7, 5))
