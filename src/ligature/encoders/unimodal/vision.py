"""Small vision encoders, trained from images alone, from images and labels, or not at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch

from ligature.encoders.unimodal.architectures import ResNetSize, VitSize, build_vision_model
from ligature.encoders.unimodal.images import decode_images, image_processor
from ligature.encoders.unimodal.objectives import SimCLR, Supervised
from ligature.encoders.unimodal.saving import save_model, writing_model_folder
from ligature.encoders.unimodal.training import train
from ligature.errors import DataError
from ligature.params.encoders import VisionRecipe
from ligature.store.atomic import write_csv

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def train_vision_encoder(
    recipe: VisionRecipe,
    folder: Path,
    *,
    image_size: int,
    paths: Sequence[Path],
    labels: Sequence[int] | None,
    name: str,
    size: VitSize | ResNetSize | None = None,
) -> None:
    """Makes a vision encoder and writes it as a transformers folder with its ``history.csv``.

    ``AutoModel`` and ``AutoImageProcessor`` load the folder; heads used in training are not in it. The
    same arguments and number of threads give the same bytes.

    Args:
        recipe: architecture, objective, epochs, batch size, learning rate, seed.
        folder: where to write; files appear only when training is over.
        image_size: side of the square input in pixels.
        paths: images to train on; none are read when the objective is ``none``.
        labels: class of every image, any integers, for objective ``supervised``.
        name: name of the encoder, for progress and errors.
        size: size of the architecture; ``VIT`` or ``RESNET`` by default.

    Raises:
        DataError: there are no images, one cannot be read, or labels are missing.
        EncoderError: the image is not made of whole patches.
        TrainingError: the loss is not a number.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = build_vision_model(recipe.architecture, image_size, size=size)
        history = _train(model, recipe, image_size, paths, labels, name)
    model.to(memory_format=torch.contiguous_format)
    with writing_model_folder(folder) as beside:
        save_model(model, beside)
        image_processor(image_size).save_pretrained(beside)
        write_csv(beside / "history.csv", history)


def _train(
    model: "PreTrainedModel",
    recipe: VisionRecipe,
    image_size: int,
    paths: Sequence[Path],
    labels: Sequence[int] | None,
    name: str,
) -> pd.DataFrame:
    """Trains ``model`` in place and returns the history, which is empty for objective ``none``."""
    if recipe.objective == "none":
        return pd.DataFrame(columns=["epoch", "loss"])
    _check(recipe, paths, labels, name)
    pixels = decode_images(paths, image_size)
    if recipe.objective == "self-supervised":
        return train(SimCLR(model), pixels, recipe, name)
    return train(Supervised(model, torch.tensor(labels)), pixels, recipe, name)


def _check(recipe: VisionRecipe, paths: Sequence[Path], labels: Sequence[int] | None, name: str) -> None:
    if len(paths) < 2:
        raise DataError(f"{name}: {len(paths)} images to train on; dataset {recipe.dataset!r} must hold two or more")
    if recipe.objective == "supervised" and (labels is None or len(labels) != len(paths)):
        found = "no labels" if labels is None else f"{len(labels)} labels"
        raise DataError(
            f"{name}: objective 'supervised' needs a label for each of {len(paths)} images;"
            f" dataset {recipe.dataset!r} has {found}"
        )
