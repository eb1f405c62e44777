"""A contrastive model on disk: ``config.json`` and ``model.safetensors``, shared weights once."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.unimodal.saving import CONFIG, WEIGHTS
from ligature.errors import DamagedError, EncoderError, ParamsError
from ligature.store.atomic import replacing, write_json
from ligature.store.damage import read_json, reading


def write_model(config: ContrastiveConfig, weights: Mapping[str, Tensor], folder: Path | str) -> None:
    """Writes both files, each of them atomically, the weights last; others in the folder stay."""
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with replacing(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
        write_json(folder / CONFIG, config.to_dict())
        temporary.chmod((folder / CONFIG).stat().st_mode)  # safetensors writes for the owner alone


def read_config(folder: Path | str) -> ContrastiveConfig:
    """Reads ``config.json``.

    Raises:
        DamagedError: it is no JSON object.
        EncoderError: it is missing, or of no possible model.
    """
    path = Path(folder) / CONFIG
    _check_there(path)
    values = read_json(path)
    if not isinstance(values, dict):
        raise DamagedError(path, "it is no object")
    try:
        return ContrastiveConfig.from_dict(values)
    except ParamsError as error:
        raise EncoderError(f"{path}: {error}") from error


def read_weights(folder: Path | str, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Reads ``model.safetensors``; nothing is read of a file that does not hold exactly the ``expected`` tensors.

    Raises:
        DamagedError: it is no safetensors file.
        EncoderError: it is missing, a tensor is missing or unknown, of another shape or type, or not finite.
    """
    path = Path(folder) / WEIGHTS
    _check_there(path)
    with reading(path), safe_open(path, framework="pt") as file:
        _check_names(path, set(file.keys()), set(expected))
        for name, tensor in expected.items():
            _check_shape(path, name, file.get_slice(name).get_shape(), list(tensor.shape))
        weights = {name: file.get_tensor(name).clone() for name in expected}  # aligned, and not tied to the file
    for name, tensor in weights.items():
        if tensor.dtype != expected[name].dtype:
            raise EncoderError(f"{path}: {name} is {tensor.dtype}, the model needs {expected[name].dtype}")
        if not torch.isfinite(tensor).all():
            raise EncoderError(f"{path}: {name} is not finite: train the model again")
    return weights


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise EncoderError(f"{path.parent} has no {path.name}: train the model first, or correct the folder")


def _check_names(path: Path, found: set[str], expected: set[str]) -> None:
    if missing := sorted(expected - found):
        raise EncoderError(f"{path} lacks {missing[0]}, which {CONFIG} asks for: these files are of two models")
    if unknown := sorted(found - expected):
        raise EncoderError(f"{path} has {unknown[0]}, which {CONFIG} does not know: these files are of two models")


def _check_shape(path: Path, name: str, found: list[int], expected: list[int]) -> None:
    if found != expected:
        raise EncoderError(
            f"{path}: {name} has shape {found}, but {CONFIG} says {expected}: these files are of two models"
        )
