import numpy as np
import pytest
from PIL import Image

from ligature.evaluation.segmentation import class_colour, overlay
from ligature.evaluation.segmentation.overlays import GAP, HEIGHT, OPACITY, WIDEST


def test_colours_are_those_of_pascal_voc():
    assert [class_colour(index) for index in (0, 1, 2, 15, 20)] == [
        "#000000",
        "#800000",
        "#008000",
        "#c08080",
        "#004080",
    ]


def test_photograph_truth_and_prediction_stand_side_by_side():
    truth = np.zeros((60, 90), np.uint8)
    predicted = np.full((60, 90), 1, np.uint8)
    sheet = overlay(Image.new("RGB", (90, 60), (100, 100, 100)), truth, predicted)
    width = HEIGHT * 90 // 60
    assert sheet.size == (3 * width + 2 * GAP, HEIGHT)
    at = [sheet.getpixel((number * (width + GAP) + width // 2, HEIGHT // 2)) for number in range(3)]
    grey, red = 100 * (1 - OPACITY), 128 * OPACITY
    assert at[0] == (100, 100, 100)
    assert at[1] == pytest.approx((grey, grey, grey), abs=1)
    assert at[2] == pytest.approx((grey + red, grey, grey), abs=1)


@pytest.mark.parametrize("size", [(3000, 40), (40, 3000), (1, 1)])
def test_pictures_of_any_shape_stay_small(size):
    empty = np.zeros((size[1], size[0]), np.uint8)
    sheet = overlay(Image.new("RGB", size), empty, empty)
    assert sheet.height == HEIGHT
    assert sheet.width <= 3 * WIDEST + 2 * GAP


def test_the_same_masks_give_the_same_picture_and_others_another():
    image = Image.new("RGB", (20, 20), "white")
    masks = [np.full((20, 20), index, np.uint8) for index in (0, 1, 255)]
    sheets = [overlay(image, masks[0], mask).tobytes() for mask in masks]
    assert sheets[0] == overlay(image, masks[0], masks[0]).tobytes()
    assert len(set(sheets)) == 3
