"""Model folders that appear whole: files are written beside and moved in, the weights last."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS = "model.safetensors"


@contextmanager
def writing_model_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder beside ``folder`` and moves its files there when the block ends well.

    Weights of an earlier model go first and new ones come last, so a folder with weights is complete.
    """
    folder = Path(folder)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
        _move(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def save_model(model: "PreTrainedModel", folder: Path) -> None:
    """Writes config and weights, without the progress bar and the owner-only mode they come with."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
    finally:
        if shown:
            logging.enable_progress_bar()
    (folder / WEIGHTS).chmod((folder / "config.json").stat().st_mode)


def _move(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).unlink(missing_ok=True)
    for file in sorted(source.iterdir(), key=lambda file: file.name == WEIGHTS):
        os.replace(file, folder / file.name)
