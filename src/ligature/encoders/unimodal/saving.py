"""Model folders that appear whole: files are written beside and moved in, the weights last; their sums are kept."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ligature.store.atomic import beside, naming
from ligature.store.damage import check_sum, read_sealed, write_sealed
from ligature.store.hashing import hash_files

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CONFIG, WEIGHTS, SUMS = "config.json", "model.safetensors", "sums.json"
"""What the workflow knows of the folder, and the SHA-256 of every file."""


@contextmanager
def writing_model_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder beside ``folder`` and moves its files there when the block ends well.

    Weights of an earlier model go first and new ones come last, so a folder with weights is complete.
    """
    folder = Path(folder)
    fresh = beside(folder)
    fresh.mkdir(parents=True)
    try:
        with naming(folder, fresh):
            yield fresh
            write_sealed(fresh / SUMS, {path.name: hash_files([path]) for path in sorted(fresh.iterdir())})
        _move(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_model_folder(folder: Path) -> None:
    """Checks every file of a folder that ``writing_model_folder`` wrote; one of before has no sums.

    Raises:
        DamagedError: naming the first file that is not what was written.
    """
    if not (folder / SUMS).is_file():
        return
    for name, expected in read_sealed(folder / SUMS, declared=folder / WEIGHTS).items():
        check_sum(folder / name, expected, declared=folder / (name if name == CONFIG else WEIGHTS))


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
    (folder / WEIGHTS).chmod((folder / CONFIG).stat().st_mode)


def _move(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).unlink(missing_ok=True)
    for file in sorted(source.iterdir(), key=lambda file: file.name == WEIGHTS):
        os.replace(file, folder / file.name)
