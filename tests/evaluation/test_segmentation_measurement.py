import numpy as np
import pandas as pd
import pytest
import torch

from ligature.data.segmentation import SegmentationSet
from ligature.evaluation import results_table
from ligature.evaluation.segmentation import Measured, ScoreMaps, Vocabulary, Windows
from ligature.params.evaluate import SegmentationParams

SETTINGS = SegmentationParams(datasets=["a"], image_size=4, window=4, stride=4)
MASKS = [
    np.array([[0, 0, 0, 0], [0, 0, 255, 255], [1, 1, 0, 0], [1, 1, 0, 0]], np.uint8),
    np.array([[2, 2, 2, 2], [2, 2, 2, 2], [2, 2, 2, 2], [2, 2, 2, 1]], np.uint8),
]


def data_of(names=("background", "diningtable", "cat"), background=True):
    images = pd.DataFrame({"id": ["x", "y"], "path": "", "mask": ""})
    return SegmentationSet("a", "val", images, list(names), background, lambda path: MASKS[0])


def scores_of(maps):
    """Score maps of one window whose patches are the pixels of the mask."""
    windows = Windows(np.zeros((1, 4, 4, 3), np.uint8), [(0, 0)], (4, 4))
    return ScoreMaps(torch.from_numpy(np.stack(maps)).float()[None], windows)


def perfect(mask, words):
    """Scores of one where a text's class is, zero elsewhere; void looks like class 0."""
    full = np.where(mask == 255, 0, mask)
    owner = dict(zip(words.rivals, words.owners, strict=True)) | {text: label for label, text in enumerate(words.raw)}
    return scores_of([full == owner[text] for text in range(len(words.names))])


def test_the_published_protocol_asks_for_raw_names_and_the_standard_for_readable_ones():
    words = Vocabulary.of(data_of(), ["background", "wall"])
    assert words.names == ["background", "diningtable", "cat", "wall", "dining table"]
    assert [words.names[text] for text in words.raw] == ["background", "diningtable", "cat"]
    asked = [(words.names[text], label) for text, label in zip(words.rivals, words.owners, strict=True)]
    assert asked == [("background", 0), ("wall", 0), ("dining table", 1), ("cat", 2)]


def test_no_text_stands_for_a_background_that_a_data_set_has_not():
    words = Vocabulary.of(data_of(["grass", "tvmonitor"], background=False), ["background"])
    assert words.names == ["grass", "tvmonitor", "tv monitor"]
    assert words.rivals == [0, 2]
    assert words.owners == [0, 1]


def test_a_name_of_the_background_given_twice_asks_once():
    assert Vocabulary.of(data_of(), ["wall", "wall"]).owners == [0, 1, 2]


@pytest.mark.parametrize("background", [["background"], ["floor", "wall"]])
def test_perfect_scores_give_one_in_both_protocols(background):
    data = data_of()
    words, measured = Vocabulary.of(data, background), Measured.none(data, SETTINGS)
    for mask in MASKS:
        predicted = measured.add(mask, perfect(mask, words), words)
        assert np.array_equal(predicted, np.where(mask == 255, 0, mask))
    own = [row for row in measured.rows("model", 7) if row.model == "model"]
    assert {row.metric: row.value for row in own} == dict.fromkeys(
        ("iou", "iou_per_class", "miou", "pixel_accuracy"), 1
    )
    assert {(row.task, row.dataset, row.split, row.n, row.seed) for row in own} == {("segmentation", "a", "val", 2, 7)}


def test_void_counts_as_background_in_the_published_protocol_and_not_at_all_in_the_standard():
    data = data_of()
    measured = Measured.none(data, SETTINGS)
    words = Vocabulary.of(data, ["background"])
    measured.add(MASKS[0], perfect(MASKS[0], words), words)
    assert measured.shares[0][:2].tolist() == [12 / 16, 4 / 16]
    assert measured.confusion.sum() == 14
    without = Measured.none(data_of(background=False), SETTINGS)
    words = Vocabulary.of(without.data, [])
    without.add(MASKS[0], perfect(MASKS[0], words), words)
    assert without.shares[0][:2].tolist() == [10 / 16, 4 / 16]


def test_baselines_predict_everything_or_the_most_frequent_class():
    data = data_of()
    words, measured = Vocabulary.of(data, ["background"]), Measured.none(data, SETTINGS)
    for mask in MASKS:
        measured.add(mask, perfect(mask, words), words)
    table = results_table(measured.rows("model", 0)).set_index(["model", "metric"])["value"]
    assert table["everything", "iou"] == pytest.approx(0.5)
    assert table["everything", "iou_per_class"] == pytest.approx(np.mean([12 / 16, (4 / 16 + 1 / 16) / 2, 15 / 16]))
    assert table["majority", "pixel_accuracy"] == pytest.approx(15 / 30)
    assert table["majority", "miou"] == pytest.approx(15 / 30 / 3)


def test_protocols_name_threshold_templates_and_windows():
    settings = SegmentationParams(
        datasets=["a"], image_size=9, window=5, stride=3, threshold=0.25, templates=["{}", "a {}"]
    )
    measured = Measured.none(data_of(), settings)
    words = Vocabulary.of(data_of(), ["background"])
    measured.add(MASKS[1], perfect(MASKS[1], words), words)
    protocols = {row.protocol for row in measured.rows("model", 0)}
    windows = "2 templates, windows of 5 px every 3 on a shorter side of 9"
    assert protocols == {
        f"published: classes of the image known, min-max above 0.25, {windows}",
        f"standard: best of 3 classes at every pixel, {windows}",
    }


def test_the_table_has_a_row_for_every_class_in_the_data_set():
    data = data_of(["background", "diningtable", "cat", "dog"])
    words, measured = Vocabulary.of(data, ["background"]), Measured.none(data, SETTINGS)
    measured.add(MASKS[1], perfect(MASKS[1], words), words)
    table = measured.class_table()
    assert table["class"].to_list() == ["diningtable", "cat"]
    assert table["images"].to_list() == [1, 1]
    assert table["pixel_share"].to_list() == [1 / 16, 15 / 16]
    assert table[["published_iou", "standard_iou"]].to_numpy().tolist() == [[1, 1], [1, 1]]
    assert table["published_iou_everything"].to_list() == [1 / 16, 15 / 16]
