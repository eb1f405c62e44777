"""Zero-shot segmentation with patches in the joint space: windows, score maps, two protocols, pictures."""

from ligature.evaluation.segmentation.measurement import Measured, Vocabulary
from ligature.evaluation.segmentation.overlays import class_colour, overlay
from ligature.evaluation.segmentation.protocols import (
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
from ligature.evaluation.segmentation.scoring import ScoreMaps, pixel_table, score_maps
from ligature.evaluation.segmentation.windows import Windows, cut_windows, merge_windows

__all__ = [
    "Measured",
    "ScoreMaps",
    "Vocabulary",
    "Windows",
    "class_colour",
    "class_ious",
    "class_means",
    "confusion_matrix",
    "constant_confusion",
    "cut_windows",
    "foreground",
    "merge_windows",
    "overlay",
    "pixel_table",
    "presence_ious",
    "present_classes",
    "published_metrics",
    "score_maps",
    "standard_metrics",
]
