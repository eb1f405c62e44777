"""The folder of an exported pair: finding it, checking it, writing it so that a config means a whole model."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ligature.data.remote.mirror import hub_options
from ligature.encoders.source import HUB_FILES, first_line
from ligature.errors import DataError
from ligature.export.config import CONFIG_NAME, ENCODERS_NAME, HUB_ID, PairConfig
from ligature.export.weights import WEIGHTS_NAME
from ligature.projection import Projector, save_projector
from ligature.store.atomic import write_json, write_text
from ligature.store.hashing import hash_files

README = "README.md"
MODULE_TYPE = "ligature.export.sentence.AlignedModule"
SUFFIXES = {pattern.removeprefix("*") for pattern in HUB_FILES}
"""Kinds of files that an encoder may consist of: neither code nor pickled weights."""

UNREAD = {"history.csv", README, "LICENSE", ".gitattributes", ".gitignore"}
"""Files that may lie beside an encoder; nothing reads them."""


def find_folder(source: Path | str, revision: str | None = None, **options: Any) -> Path:
    """Returns the local folder of an exported pair, fetched from the Hub, or its cache, where ``source`` is an id.

    Args:
        source: folder, or Hub id.
        revision: branch, tag or commit on the Hub.
        options: of ``huggingface_hub.snapshot_download``: ``token``, ``cache_dir``, ``local_files_only``.

    Raises:
        DataError: it is neither a folder nor to be had.
    """
    folder = Path(source)
    if folder.is_dir():
        return folder
    name = str(source)
    if not HUB_ID.fullmatch(name):
        raise DataError(f"{name[:300]}: no such folder; check its path, or export the pair first")
    from huggingface_hub import snapshot_download

    try:
        options = {**hub_options(), **options}
        return Path(snapshot_download(name, revision=revision, allow_patterns=[*HUB_FILES, README], **options))
    except Exception as error:
        raise DataError(
            f"{name} is neither a folder, nor to be had from the Hub or its local cache "
            f"({type(error).__name__}: {first_line(error)}); check its name and revision, or download it first"
        ) from error


def check_files(folder: Path) -> None:
    """Checks that the encoders inside a folder are made of safetensors, json and vocabularies alone.

    Raises:
        DataError: naming a file of another kind.
    """
    for path in sorted((folder / ENCODERS_NAME).rglob("*")):
        if path.is_file() and path.suffix not in SUFFIXES and path.name not in UNREAD:
            raise DataError(f"{path}: neither safetensors, json nor a vocabulary; remove it if it is not needed")


def write_pair(
    folder: Path,
    config: PairConfig,
    projector: Projector,
    encoders: Mapping[str, Path],
    card: str,
    **facts: dict[str, Any],
) -> None:
    """Writes an exported pair; other files in the folder stay as they are.

    The config comes last and holds the hash of the projector, so that a killed write leaves no model that loads.

    Args:
        folder: where to write.
        config: of the pair; its hash of the projector is set here.
        projector: with the weights to write.
        encoders: folders of the encoders that are put inside, by ``vision`` and ``text``.
        card: the model card.
        facts: ``facts`` and ``provenance`` of the projector.

    Raises:
        DataError: the folder holds encoders but no exported pair, so that they may be someone's own.
    """
    if (folder / ENCODERS_NAME).exists() and not (folder / CONFIG_NAME).is_file():
        raise DataError(f"{folder}: holds {ENCODERS_NAME} but no {CONFIG_NAME}; export into an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    _put_encoders(folder, encoders)
    save_projector(projector, folder, **facts)
    write_text(folder / README, card)
    write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": MODULE_TYPE}])
    write_json(folder / "config_sentence_transformers.json", _sentence_transformers_config())
    write_json(folder / "sentence_bert_config.json", {"modality_config": {"text": {}, "image": {}}})
    weights = hash_files([folder / WEIGHTS_NAME])
    write_json(folder / CONFIG_NAME, config.model_copy(update={"projector": weights}).model_dump(mode="json"))


def _sentence_transformers_config() -> dict[str, Any]:
    return {
        "model_type": "SentenceTransformer",
        "prompts": {"query": "", "document": ""},
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }


def _put_encoders(folder: Path, encoders: Mapping[str, Path]) -> None:
    """Copies encoders beside and moves them in, so that a folder may be written from itself."""
    beside = folder / f".{ENCODERS_NAME}.{os.getpid()}.partial"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for name, source in encoders.items():
            for path in encoder_files(source):
                target = beside / name / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        shutil.rmtree(folder / ENCODERS_NAME, ignore_errors=True)
        if encoders:
            os.replace(beside, folder / ENCODERS_NAME)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def encoder_files(folder: Path) -> Iterator[Path]:
    """Yields the files of an encoder that are read when it is loaded, in order of their names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in SUFFIXES:
            yield path


def checksums(folder: Path) -> list[tuple[str, str]]:
    """Returns name and SHA-256 of the weights in a folder and below, in order of their names."""
    paths = sorted(folder.rglob("*.safetensors"))
    return [(path.relative_to(folder).as_posix(), hash_files([path])) for path in paths]
