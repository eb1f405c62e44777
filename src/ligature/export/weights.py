"""The projector of an exported pair, checked against its config before any memory is taken for it."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from ligature.data.files import read_json
from ligature.errors import DataError, LigatureError
from ligature.projection import Projector, ProjectorConfig, load_projector
from ligature.store.hashing import hash_files

WEIGHTS_NAME = "projector.safetensors"
CARD_NAME = "projector.json"


def load_checked_projector(folder: Path, expected: str, device: str) -> Projector:
    """Loads the projector of an exported pair.

    Args:
        folder: with ``projector.safetensors`` and ``projector.json``.
        expected: hash of the weights.
        device: where the projector runs.

    Raises:
        DataError: a file is missing, or weights, config and hash do not belong together.
    """
    for name in (WEIGHTS_NAME, CARD_NAME):
        if not (folder / name).is_file():
            raise DataError(f"{folder / name}: missing; fetch or export the model again")
    found = hash_files([folder / WEIGHTS_NAME])
    if found != expected:
        raise DataError(f"{folder / WEIGHTS_NAME}: is {found}, not {expected}; fetch or export the model again")
    _check_shapes(folder)
    return load_projector(folder, device)


def _check_shapes(folder: Path) -> None:
    """Compares the shapes in the header of the weights with those of the config, whose numbers may be of any size."""
    wanted, stored = _wanted_shapes(folder), _stored_shapes(folder)
    wrong = sorted(name for name in wanted | stored if wanted.get(name) != stored.get(name))
    if wrong:
        shapes = (table.get(wrong[0], "missing") for table in (stored, wanted))
        raise DataError(
            f"{folder / WEIGHTS_NAME}: {len(wrong)} weights do not fit {CARD_NAME}, "
            "{!r} is {}, not {}; export the model again".format(wrong[0], *shapes)
        )


def _wanted_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    card = read_json(folder / CARD_NAME)
    try:
        with torch.device("meta"):
            projector = Projector(ProjectorConfig(**card["config"]))
    except (LigatureError, KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        reason = (str(error).splitlines() or ["broken"])[0][:200]
        raise DataError(f"{folder / CARD_NAME}: not a projector's config ({reason}); export the model again") from error
    return {name: tuple(tensor.shape) for name, tensor in projector.state_dict().items()}


def _stored_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    try:
        with safe_open(folder / WEIGHTS_NAME, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DataError(f"{folder / WEIGHTS_NAME}: not safetensors; fetch or export the model again") from error
