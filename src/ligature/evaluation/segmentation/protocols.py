"""Two protocols: binary masks of the classes known to be there, as published; and one class a pixel, the standard."""

import warnings
from collections.abc import Mapping

import numpy as np

from ligature.data.masks import VOID


def present_classes(mask: np.ndarray) -> list[int]:
    """Returns the classes in a mask, without void, in order."""
    return [int(index) for index in np.unique(mask) if index != VOID]


def foreground(scores: np.ndarray, threshold: float) -> np.ndarray:
    """Returns where scores [h, w], scaled to 0 .. 1, are above the threshold; nowhere if all are the same."""
    lowest, highest = scores.min(), scores.max()
    if lowest == highest:
        return np.zeros(scores.shape, dtype=bool)
    return (scores - lowest) / (highest - lowest) > threshold


def binary_iou(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Returns intersection over union of two boolean masks, of which the first is not empty."""
    return float(np.sum(truth & predicted) / np.sum(truth | predicted))


def presence_ious(mask: np.ndarray, predicted: Mapping[int, np.ndarray], classes: int) -> np.ndarray:
    """Returns the IoU of every class that is in the mask of one image, [classes] float64, NaN for the others.

    Args:
        mask: [h, w] classes, 255 void, which counts as none of them.
        predicted: boolean mask of every present class.
        classes: number of classes.
    """
    ious = np.full(classes, np.nan)
    for index in present_classes(mask):
        ious[index] = binary_iou(mask == index, predicted[index])
    return ious


def published_metrics(ious: np.ndarray) -> dict[str, float]:
    """Returns the means of the published protocol (arXiv 2409.19425).

    Args:
        ious: [images, classes], NaN where a class is not in an image; an image without any class is left out.

    Returns:
        ``iou``, the mean over images of the mean over their classes; ``iou_per_class``, the mean over classes of
        the mean over their images.
    """
    return {"iou": _nan_mean(_means(ious, axis=1)), "iou_per_class": _nan_mean(_means(ious, axis=0))}


def class_means(ious: np.ndarray) -> np.ndarray:
    """Returns the mean over images of every class, [classes], NaN for classes in no image."""
    return _means(ious, axis=0)


def _means(values: np.ndarray, axis: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of none is NaN, as wanted
        return np.nanmean(values, axis=axis)


def _nan_mean(values: np.ndarray) -> float:
    return float(np.mean(values[~np.isnan(values)]))


def confusion_matrix(mask: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Returns pixels by true class (row) and predicted class (column), [classes, classes] int64, without void."""
    known = mask != VOID
    pairs = mask[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def constant_confusion(confusion: np.ndarray) -> np.ndarray:
    """Returns the confusion of predicting the most frequent class of the truth everywhere."""
    pixels = confusion.sum(axis=1)
    constant = np.zeros_like(confusion)
    constant[:, pixels.argmax()] = pixels
    return constant


def class_ious(confusion: np.ndarray) -> np.ndarray:
    """Returns the IoU of every class over a whole set, [classes] float64, NaN for classes not in the truth."""
    hits, pixels = np.diag(confusion), confusion.sum(axis=1)
    union = pixels + confusion.sum(axis=0) - hits
    return np.divide(hits, union, out=np.full(len(hits), np.nan), where=pixels > 0)


def standard_metrics(confusion: np.ndarray) -> dict[str, float]:
    """Returns ``miou``, the mean IoU of the classes in the truth, and ``pixel_accuracy``, both of a whole set."""
    return {
        "miou": _nan_mean(class_ious(confusion)),
        "pixel_accuracy": float(np.trace(confusion) / confusion.sum()),
    }
