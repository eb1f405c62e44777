"""The projector of an exported pair, checked against the hash that its config gives."""

from pathlib import Path

from ligature.errors import DataError
from ligature.projection import Projector, load_projector
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
        ParamsError: the config is of no possible projector.
    """
    for name in (WEIGHTS_NAME, CARD_NAME):
        if not (folder / name).is_file():
            raise DataError(f"{folder / name}: missing; fetch or export the model again")
    found = hash_files([folder / WEIGHTS_NAME])
    if found != expected:
        raise DataError(f"{folder / WEIGHTS_NAME}: is {found}, not {expected}; fetch or export the model again")
    try:
        return load_projector(folder, device)
    except (OverflowError, RecursionError, AttributeError) as error:
        raise DataError(f"{folder / CARD_NAME}: not a projector's config; fetch or export the model again") from error
