"""A vision-language model on disk: its encoders in folders of their own, the connector, and a config that seals all."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ligature.captioning.config import VisionLanguageConfig
from ligature.captioning.connectors import Connector, build_connector, check_kept
from ligature.captioning.language import load_language, merge_lora
from ligature.captioning.vision import VisionTower
from ligature.errors import DataError, EncoderError
from ligature.store.atomic import replacing_folder
from ligature.store.damage import check_sum, read_sealed, reading, write_sealed
from ligature.store.hashing import hash_files

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CONFIG, CONNECTOR, VISION, LANGUAGE = "config.json", "connector.safetensors", "vision", "language"
"""What a folder holds. The config has the SHA-256 of every other file."""

KIND = "ligature-captioner"
"""What the config says that it is of."""


def write_folder(
    config: VisionLanguageConfig,
    vision: VisionTower,
    connector: Connector,
    language: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    folder: Path,
) -> None:
    """Writes a model, adapters merged; the folder appears whole, and the same model gives the same bytes.

    Raises:
        DataError: the folder holds something else than such a model.
    """
    _check_ours(folder)
    with replacing_folder(folder) as fresh:
        vision.save(fresh / VISION)
        _save_language(merge_lora(language), tokenizer, fresh / LANGUAGE)
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in connector.state_dict().items()}
        save_file(weights, fresh / CONNECTOR, metadata={"format": "pt"})
        files = sorted(path for path in fresh.rglob("*") if path.is_file())
        sums = {path.relative_to(fresh).as_posix(): hash_files([path]) for path in files}
        write_sealed(fresh / CONFIG, {"kind": KIND, "format": 1, **config.to_dict(), "files": sums})
        for path in fresh.rglob("*.safetensors"):
            path.chmod((fresh / CONFIG).stat().st_mode)  # safetensors writes for the owner alone


def read_folder(
    folder: Path, device: str, dtype: torch.dtype
) -> tuple[VisionLanguageConfig, VisionTower, Connector, "PreTrainedModel", "PreTrainedTokenizerBase"]:
    """Returns the parts of a model that ``write_folder`` wrote.

    Args:
        folder: of the model.
        device: where it runs.
        dtype: of language model and connector.

    Raises:
        DamagedError: a file is not what was written.
        EncoderError: the folder is of another kind, or a part does not fit its config.
        ParamsError: the config is of no possible model.
    """
    values = _read_config(folder)
    config = VisionLanguageConfig.from_dict(values)
    for name, expected in values["files"].items():
        check_sum(folder / name, expected)
    vision = VisionTower.load(folder / VISION, device)
    language = load_language(str((folder / LANGUAGE).absolute()), device=device, dtype=dtype)
    connector = _read_connector(config, folder / CONNECTOR).to(device, dtype)
    return config, vision, connector, language.model, language.tokenizer


def _check_ours(folder: Path) -> None:
    """Checks that nothing of anyone else's would be replaced; what a workflow leaves of a failed job is ours."""
    if not folder.exists() or (
        folder.is_dir() and {path.name for path in folder.iterdir()} <= {CONNECTOR, VISION, LANGUAGE}
    ):
        return
    try:
        _read_config(folder)
    except (DataError, EncoderError, OSError) as error:
        raise DataError(f"{folder}: holds something else than a captioning model; save into a new folder") from error


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise EncoderError(f"{folder} has no {CONFIG}: it holds no captioning model; train one, or correct the folder")
    values = read_sealed(path)
    if values.pop("kind", None) != KIND:
        raise EncoderError(f"{path}: is not of a captioning model; correct the folder")
    files = values.get("files")
    if not isinstance(files, dict) or not all(_is_inside(name) for name in files):
        raise EncoderError(f"{path}: does not name its files; save the model again")
    return values


def _is_inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def _save_language(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Writes a language model and its tokenizer as transformers does, without its progress bar."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    finally:
        if shown:
            logging.enable_progress_bar()


def _read_connector(config: VisionLanguageConfig, path: Path) -> Connector:
    """Returns a connector with weights of a file that holds exactly its tensors; memory is taken for those alone."""
    with torch.device("meta"):
        connector = build_connector(config.connector)
    expected = connector.state_dict()
    with reading(path), safe_open(path, framework="pt") as file:
        found = {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        wanted = {name: list(tensor.shape) for name, tensor in expected.items()}
        if found != wanted:
            name = min(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
            raise EncoderError(
                f"{path}: {name} has shape {found.get(name, 'none')}, but {CONFIG} says {wanted.get(name, 'none')}: "
                "these files are of two models"
            )
        weights = {name: file.get_tensor(name).clone() for name in wanted}
    _check_values(weights, expected, path)
    check_kept(config.connector, weights.get("kept"))
    connector.load_state_dict(weights, assign=True)
    return connector


def _check_values(weights: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> None:
    for name, tensor in weights.items():
        wanted = expected[name].dtype
        if tensor.dtype != wanted and not (tensor.is_floating_point() and wanted.is_floating_point):
            raise EncoderError(f"{path}: {name} is of type {tensor.dtype}, not of {wanted}: train the model again")
        if not torch.isfinite(tensor).all():
            raise EncoderError(f"{path}: {name} is not finite: train the model again")
