"""`ligature segment`: zero-shot segmentation of the aligned pair, by the published and the standard protocol."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from ligature.cli.context import (
    PARAMS,
    RESULTS,
    DeviceOption,
    ParamsOption,
    PrecisionOption,
    ResultsOption,
    ThreadsOption,
    open_layout,
)
from ligature.cli.pairs import chosen_pair
from ligature.data.segmentation import SegmentationSet, open_segmentation
from ligature.encoders import TextEncoder, find_encoder, load_text_encoder, load_vision_encoder
from ligature.errors import EncoderError, ParamsError
from ligature.evaluation import class_embeddings, results_table
from ligature.evaluation.segmentation import (
    Measured,
    ScoreMaps,
    Vocabulary,
    class_colour,
    cut_windows,
    overlay,
    pixel_table,
    present_classes,
    score_maps,
)
from ligature.params.evaluate import SegmentationParams
from ligature.progress import track
from ligature.projection import Projector, load_projector
from ligature.store import Layout
from ligature.store.atomic import replacing, write_csv, write_json


def segment(
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
) -> None:
    """Segment the images of data sets with masks by their class names, window by window."""
    layout = open_layout(params, results, threads)
    if layout.study.evaluate.segmentation is None:
        raise ParamsError("evaluate.segmentation is null, there is nothing to segment; name its data sets and windows")
    sets = [open_segmentation(layout, name) for name in layout.study.evaluate.segmentation.datasets]
    segmenter = Segmenter.load(layout, device, precision)
    for old in (layout.segmentation / "overlays").glob("*.png"):
        old.unlink()
    measured = [_measure(segmenter, data, layout.segmentation / "overlays") for data in sets]
    rows = [row for one in measured for row in one.rows(segmenter.name, layout.study.train.seed)]
    write_csv(layout.segmentation / "results.csv", results_table(rows))
    write_csv(layout.segmentation / "classes.csv", pd.concat([one.class_table() for one in measured]))
    write_json(layout.segmentation / "overlays.json", [entry for one in measured for entry in one.pictures])


@dataclass(frozen=True)
class Segmenter:
    """The chosen encoders and their projector, ready to score patches against class names.

    Attributes:
        name: of the model in results.
        settings: the windows, the protocols and the prompts.
        table: [3, 256] normalised value of every byte.
        patches_of: from normalised windows to patches in the joint space.
        vectors_of: from class names to a unit vector each.
    """

    name: str
    settings: SegmentationParams
    table: np.ndarray
    patches_of: Callable[[Tensor], Tensor]
    vectors_of: Callable[[Sequence[str]], Tensor]

    @classmethod
    def load(cls, layout: Layout, device: str, precision: str) -> "Segmenter":
        """Loads the chosen pair of a study; the vision encoder takes inputs of the size of a window."""
        vision, text = chosen_pair(layout)
        settings = layout.study.evaluate.segmentation
        projector = load_projector(layout.train, device)
        entry = find_encoder(layout, vision).model_copy(update={"image_size": settings.window})
        encoder = load_vision_encoder(entry, layout, device=device, precision=precision)

        def patches_of(pixels: Tensor) -> Tensor:
            patches = encoder.forward(pixels.to(device)).patches
            if patches is None or patches.shape[1] == 0:
                raise EncoderError(f"encoder {vision!r} has no patch tokens; segmentation needs a pair with them")
            return projector.project_patches(patches)

        text_encoder = load_text_encoder(find_encoder(layout, text), layout, device=device, precision=precision)
        pooled = layout.view(layout.study.train.mode, text) == "pooled"

        def vectors_of(names: Sequence[str]) -> Tensor:
            return _name_vectors(names, settings.templates, text_encoder, projector, pooled)

        return cls(f"{vision} + {text}", settings, pixel_table(encoder.preprocess), patches_of, vectors_of)

    def scores(self, image: Image.Image, texts: Tensor) -> ScoreMaps:
        """Returns the score maps of an RGB image with the vectors of texts."""
        settings = self.settings
        windows = cut_windows(image, settings.image_size, settings.window, settings.stride)
        return score_maps(windows, self.table, self.patches_of, texts)


@torch.inference_mode()
def _name_vectors(
    names: Sequence[str], templates: Sequence[str], encoder: TextEncoder, projector: Projector, pooled: bool
) -> Tensor:
    """Returns the mean prompt of every name, [names, d], unit length."""
    vectors = []
    for name in names:
        features = encoder.forward([template.replace("{}", name) for template in templates])
        if pooled:
            vectors.append(projector.encode_text(features.pooled.to(projector.logit_scale.device)))
            continue
        if features.tokens is None:
            raise EncoderError(f"encoder {encoder.name!r} has no token states; use train.mode 'pooled'")
        vectors.append(projector.encode_text(features.tokens, features.mask))
    owners = np.repeat(np.arange(len(names)), len(templates))
    return class_embeddings(torch.cat(vectors), owners, len(names))


def _measure(segmenter: Segmenter, data: SegmentationSet, folder: Path) -> Measured:
    """Segments every image of a data set; some, evenly spread, become pictures in ``folder``."""
    settings = segmenter.settings
    words = Vocabulary.of(data, settings.background)
    texts = segmenter.vectors_of(words.names)
    measured = Measured.none(data, settings)
    shown = set(np.linspace(0, len(data) - 1, min(settings.overlays, len(data))).astype(int).tolist())
    for row in track(range(len(data)), f"segment {data.name}", unit="images"):
        image, mask = data.load(row)
        predicted = measured.add(mask, segmenter.scores(image, texts), words)
        if row in shown:
            file = f"{data.name}-{row:05d}.png"
            with replacing(folder / file) as temporary:
                overlay(image, mask, predicted).save(temporary, "PNG")
            measured.pictures.append(_index_entry(data, row, file, mask, predicted))
    return measured


def _index_entry(data: SegmentationSet, row: int, file: str, mask: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Returns what a page says of a picture: the image, its classes, and the colour of every class shown."""
    truth, found = present_classes(mask), present_classes(predicted)
    names = data.readable_names
    return {
        "dataset": data.name,
        "id": str(data.images["id"].iloc[row]),
        "file": f"overlays/{file}",
        "classes": [names[index] for index in truth],
        "predicted": [names[index] for index in found],
        "colours": {names[index]: class_colour(index) for index in sorted({*truth, *found})},
    }
