"""Both protocols over the images of a data set, as rows of results and a table of classes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ligature.data.masks import VOID
from ligature.data.segmentation import SegmentationSet
from ligature.evaluation.results import Result
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
from ligature.evaluation.segmentation.scoring import ScoreMaps
from ligature.params.evaluate import SegmentationParams


@dataclass(frozen=True)
class Vocabulary:
    """Which texts ask for which classes.

    Attributes:
        names: the texts, none twice.
        raw: text of every class as the data set writes it, for the published protocol.
        rivals: texts that compete for a pixel in the standard protocol.
        owners: class of each of these.
    """

    names: list[str]
    raw: list[int]
    rivals: list[int]
    owners: list[int]

    @classmethod
    def of(cls, data: SegmentationSet, background: Sequence[str]) -> "Vocabulary":
        """Returns the texts of a data set; ``background`` names its class 0, where that is what is no object."""
        asked = [(name, label) for label, name in enumerate(data.readable_names)]
        if data.has_background:
            asked = [(name, 0) for name in dict.fromkeys(background)] + asked[1:]
        names = list(dict.fromkeys([*data.class_names, *(name for name, _ in asked)]))
        place = {name: number for number, name in enumerate(names)}
        raw = [place[name] for name in data.class_names]
        return cls(names, raw, [place[name] for name, _ in asked], [label for _, label in asked])


@dataclass
class Measured:
    """What is measured of one data set, image by image.

    Attributes:
        data: the data set.
        settings: the windows, the protocols and the prompts.
        confusion: [classes, classes] pixels by true and predicted class, standard protocol.
        ious: published protocol: IoU of the classes of every image, [classes] each.
        shares: the same of predicting the class everywhere.
        pictures: index of the overlays.
    """

    data: SegmentationSet
    settings: SegmentationParams
    confusion: np.ndarray
    ious: list[np.ndarray] = field(default_factory=list)
    shares: list[np.ndarray] = field(default_factory=list)
    pictures: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def none(cls, data: SegmentationSet, settings: SegmentationParams) -> "Measured":
        """Returns the count of no image yet."""
        classes = len(data.class_names)
        return cls(data, settings, np.zeros((classes, classes), dtype=np.int64))

    def add(self, mask: np.ndarray, scores: ScoreMaps, words: Vocabulary) -> np.ndarray:
        """Counts one image in both protocols; returns the class of every pixel by the standard one."""
        classes = len(self.data.class_names)
        predicted = scores.best(words.rivals, words.owners, mask.shape)
        self.confusion += confusion_matrix(mask, predicted, classes)
        full = np.where(mask == VOID, 0, mask) if self.data.has_background else mask
        maps = {
            index: foreground(scores.at([words.raw[index]], mask.shape)[0].cpu().numpy(), self.settings.threshold)
            for index in present_classes(full)
        }
        self.ious.append(presence_ious(full, maps, classes))
        everywhere = dict.fromkeys(maps, np.ones(mask.shape, dtype=bool))
        self.shares.append(presence_ious(full, everywhere, classes))
        return predicted

    def rows(self, model: str, seed: int) -> Iterator[Result]:
        """Yields the rows of both protocols, and of predictions that look at no image."""
        settings, classes = self.settings, len(self.data.class_names)
        prompts = f"{len(settings.templates)} template{'s' if len(settings.templates) > 1 else ''}"
        windows = f"windows of {settings.window} px every {settings.stride} on a shorter side of {settings.image_size}"
        published = f"published: classes of the image known, min-max above {settings.threshold:g}, {prompts}, {windows}"
        standard = f"standard: best of {classes} classes at every pixel, {prompts}, {windows}"
        values = [
            (model, published, published_metrics(np.stack(self.ious))),
            ("everything", published, published_metrics(np.stack(self.shares))),
            (model, standard, standard_metrics(self.confusion)),
            ("majority", standard, standard_metrics(constant_confusion(self.confusion))),
        ]
        for name, protocol, metrics in values:
            for metric, value in metrics.items():
                where = (self.data.name, self.data.split, name, protocol)
                yield Result("segmentation", *where, metric, value, len(self.data), seed)

    def class_table(self) -> pd.DataFrame:
        """Returns one row a class in the data set: in how many images, its share of the pixels, and its IoUs."""
        ious, pixels = np.stack(self.ious), self.confusion.sum(axis=1)
        table = pd.DataFrame(
            {
                "dataset": self.data.name,
                "class": self.data.class_names,
                "images": (~np.isnan(ious)).sum(axis=0),
                "pixel_share": pixels / pixels.sum(),
                "published_iou": class_means(ious),
                "published_iou_everything": class_means(np.stack(self.shares)),
                "standard_iou": class_ious(self.confusion),
            }
        )
        return table[table["images"] > 0]
