import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as sklearn_confusion

from ligature.evaluation.segmentation import (
    class_ious,
    class_means,
    confusion_matrix,
    constant_confusion,
    foreground,
    presence_ious,
    present_classes,
    published_metrics,
    standard_metrics,
)

CLASSES = 4
seeds = st.integers(0, 10**6)


def random_masks(seed, images=5, void=True):
    """Returns pairs of a true and a predicted mask; every truth has at least one class."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(images):
        shape = tuple(rng.integers(1, 9, 2))
        truth = rng.choice([0, 1, 2, 3, 255] if void else [0, 1, 2, 3], shape).astype(np.uint8)
        truth[0, 0] = rng.integers(CLASSES)
        pairs.append((truth, rng.integers(0, CLASSES, shape, dtype=np.uint8)))
    return pairs


def plain_published(pairs, scores, threshold):
    """The published protocol, straight from its definition."""
    of_image, of_class = [], {}
    for (truth, _), maps in zip(pairs, scores, strict=True):
        ious = []
        for index in sorted(set(truth.ravel().tolist()) - {255}):
            spread = maps[index] - maps[index].min()
            predicted = spread > threshold * spread.max() if spread.max() else spread > 0
            there = truth == index
            ious.append((there & predicted).sum() / (there | predicted).sum())
            of_class.setdefault(index, []).append(ious[-1])
        of_image.append(np.mean(ious))
    return {"iou": np.mean(of_image), "iou_per_class": np.mean([np.mean(ious) for ious in of_class.values()])}


def table_of(pairs, scores, threshold):
    return np.stack(
        [
            presence_ious(
                truth, {index: foreground(maps[index], threshold) for index in present_classes(truth)}, CLASSES
            )
            for (truth, _), maps in zip(pairs, scores, strict=True)
        ]
    )


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.25, 0.4, 0.5]))
def test_published_scores_agree_with_their_definition_and_no_order_of_images_changes_them(seed, threshold):
    pairs = random_masks(seed)
    rng = np.random.default_rng(seed)
    scores = [rng.integers(0, 65, (CLASSES, *truth.shape)) / 64 for truth, _ in pairs]
    table = table_of(pairs, scores, threshold)
    metrics = published_metrics(table)
    assert metrics == pytest.approx(plain_published(pairs, scores, threshold))
    assert published_metrics(table[rng.permutation(len(table))]) == pytest.approx(metrics)
    assert 0 <= min(metrics.values()) <= max(metrics.values()) <= 1
    assert np.nanmean(class_means(table)) == pytest.approx(metrics["iou_per_class"])


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_perfect_score_maps_give_one(seed):
    pairs = [pair for pair in random_masks(seed) if len(np.unique(pair[0])) > 1]
    scores = [np.stack([truth == index for index in range(CLASSES)]).astype(float) for truth, _ in pairs]
    if pairs:
        assert published_metrics(table_of(pairs, scores, 0.4)) == {"iou": 1, "iou_per_class": 1}
    confusion = sum(
        confusion_matrix(truth, np.where(truth == 255, 0, truth), CLASSES) for truth, _ in random_masks(seed)
    )
    assert standard_metrics(confusion) == {"miou": 1, "pixel_accuracy": 1}


def test_a_class_that_is_everywhere_has_its_share_as_iou():
    mask = np.array([[0, 0, 0, 1], [0, 0, 255, 1]], np.uint8)
    everywhere = dict.fromkeys((0, 1), np.ones(mask.shape, bool))
    assert presence_ious(mask, everywhere, 3).tolist()[:2] == [5 / 8, 2 / 8]
    assert np.isnan(presence_ious(mask, everywhere, 3)[2])


def test_foreground_is_above_the_threshold_of_the_scaled_scores():
    scores = np.array([[-1.0, 0.0, 0.25, 1.0]])
    assert foreground(scores, 0.5).tolist() == [[False, False, True, True]]
    assert foreground(scores, 0.0).tolist() == [[False, True, True, True]]
    assert not foreground(np.full((2, 2), 0.7), 0.4).any()


def test_an_image_of_void_alone_counts_in_no_mean():
    table = np.array([[0.5, np.nan], [np.nan, np.nan], [1.0, 0.0]])
    assert published_metrics(table) == {"iou": 0.5, "iou_per_class": 0.375}


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_sum_of_confusions_is_that_of_all_pixels(seed):
    pairs = random_masks(seed)
    total = sum(confusion_matrix(truth, predicted, CLASSES) for truth, predicted in pairs)
    truth, predicted = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    known = truth != 255
    assert np.array_equal(total, sklearn_confusion(truth[known], predicted[known], labels=range(CLASSES)))
    assert total.dtype == np.int64


def plain_miou(pairs):
    """The mean over classes in the truth of intersection over union, counted over all pixels."""
    truth, predicted = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    truth, predicted = truth[truth != 255], predicted[truth != 255]
    ious = [np.sum((truth == c) & (predicted == c)) / np.sum((truth == c) | (predicted == c)) for c in np.unique(truth)]
    return {"miou": np.mean(ious), "pixel_accuracy": np.mean(truth == predicted)}


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_standard_scores_agree_with_their_definition(seed):
    pairs = random_masks(seed, images=2)
    total = sum(confusion_matrix(truth, predicted, CLASSES) for truth, predicted in pairs)
    metrics = standard_metrics(total)
    assert metrics == pytest.approx(plain_miou(pairs))
    assert 0 <= metrics["miou"] <= 1


def test_a_class_that_is_not_in_the_truth_has_no_iou_but_costs_the_others():
    confusion = confusion_matrix(np.array([0, 0, 1, 255]), np.array([0, 2, 1, 3]), CLASSES)
    ious = class_ious(confusion)
    assert ious[:2].tolist() == [0.5, 1.0]
    assert np.isnan(ious[2:]).all()


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_constant_baseline_is_what_a_constant_prediction_gets(seed):
    pairs = random_masks(seed)
    pixels = sum(np.bincount(truth[truth != 255], minlength=CLASSES) for truth, _ in pairs)
    constant = sum(confusion_matrix(t, np.full_like(p, pixels.argmax()), CLASSES) for t, p in pairs)
    confusion = sum(confusion_matrix(truth, predicted, CLASSES) for truth, predicted in pairs)
    assert np.array_equal(constant_confusion(confusion), constant)
    assert standard_metrics(constant)["pixel_accuracy"] == pixels.max() / pixels.sum()
