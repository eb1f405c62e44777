"""Trained projectors on disk: weights as safetensors, everything else as JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ligature.errors import DataError
from ligature.projection.config import ProjectorConfig
from ligature.projection.projector import Projector
from ligature.store.atomic import replacing
from ligature.store.damage import check_sum, read_sealed, reading, write_sealed
from ligature.store.hashing import hash_files

WEIGHTS_NAME = "projector.safetensors"
CARD_NAME = "projector.json"


def save_projector(
    projector: Projector,
    folder: Path | str,
    *,
    facts: dict[str, Any] | None = None,
    provenance: dict[str, Any] | None = None,
) -> None:
    """Writes ``projector.safetensors`` and then ``projector.json`` (config, facts, provenance, hash of the weights)."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in projector.state_dict().items()}
    with replacing(Path(folder) / WEIGHTS_NAME) as temporary:
        save_file(weights, temporary)
    card = {"config": asdict(projector.config), "facts": facts or {}, "provenance": provenance or {}}
    card["weights"] = hash_files([Path(folder) / WEIGHTS_NAME])
    write_sealed(Path(folder) / CARD_NAME, card)


def load_projector(folder: Path | str, device: str = "cpu") -> Projector:
    """Returns the projector that ``save_projector`` or ``train`` wrote into ``folder``, in evaluation mode.

    Raises:
        DamagedError: if a file is not what was written.
        DataError: if there is none, or if weights and config do not belong together.
        ParamsError: if the config is of no possible projector.
    """
    folder = Path(folder)
    for name in (WEIGHTS_NAME, CARD_NAME):
        if not (folder / name).is_file():
            raise DataError(f"{folder} has no {name}: train the projector first")
    card = read_sealed(folder / CARD_NAME)
    if "weights" in card:
        check_sum(folder / WEIGHTS_NAME, card["weights"])
    weights = _read_weights(folder)
    try:
        config = ProjectorConfig(**card["config"])
        with torch.device("meta"):
            projector = Projector(config)
        _check_widths(projector, weights, folder)
        projector.to_empty(device=device).load_state_dict(weights)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{folder}: {WEIGHTS_NAME} and {CARD_NAME} do not fit: train the projector again") from error
    return projector.eval()


def _read_weights(folder: Path) -> dict[str, Tensor]:
    with reading(folder / WEIGHTS_NAME):
        return load_file(folder / WEIGHTS_NAME)


def _check_widths(projector: Projector, weights: dict[str, Tensor], folder: Path) -> None:
    config = projector.config
    for name, expected in projector.state_dict().items():
        if name in weights and weights[name].shape != expected.shape:
            raise DataError(
                f"{folder / WEIGHTS_NAME}: {name} has shape {list(weights[name].shape)}, but {CARD_NAME} says "
                f"{list(expected.shape)} (vision_dim {config.vision_dim}, text_dim {config.text_dim}, "
                f"embed_dim {config.embed_dim}): these files are of two projectors, train the projector again"
            )
