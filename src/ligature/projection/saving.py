"""Trained projectors on disk: weights as safetensors, everything else as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ligature.errors import DataError
from ligature.projection.config import ProjectorConfig
from ligature.projection.projector import Projector
from ligature.store.atomic import replacing, write_json

WEIGHTS_NAME = "projector.safetensors"
CARD_NAME = "projector.json"


def save_projector(
    projector: Projector,
    folder: Path | str,
    *,
    facts: dict[str, Any] | None = None,
    provenance: dict[str, Any] | None = None,
) -> None:
    """Writes ``projector.safetensors`` and then ``projector.json`` (config, facts, provenance) into ``folder``."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in projector.state_dict().items()}
    with replacing(Path(folder) / WEIGHTS_NAME) as temporary:
        save_file(weights, temporary)
    card = {"config": asdict(projector.config), "facts": facts or {}, "provenance": provenance or {}}
    write_json(Path(folder) / CARD_NAME, card)


def load_projector(folder: Path | str, device: str = "cpu") -> Projector:
    """Returns the projector that ``save_projector`` or ``train`` wrote into ``folder``, in evaluation mode.

    Raises:
        DataError: if there is none, or if weights and config do not belong together.
    """
    folder = Path(folder)
    for name in (WEIGHTS_NAME, CARD_NAME):
        if not (folder / name).is_file():
            raise DataError(f"{folder} has no {name}: train the projector first")
    card = json.loads((folder / CARD_NAME).read_text(encoding="utf-8"))
    try:
        projector = Projector(ProjectorConfig(**card["config"]))
        projector.load_state_dict(load_file(folder / WEIGHTS_NAME))
    except (KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise DataError(f"{folder}: {WEIGHTS_NAME} and {CARD_NAME} do not fit: train the projector again") from error
    return projector.to(device).eval()
