"""Where an encoder's files are: Hub id, local folder, installed package, or made by the study itself."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ligature.data.open import resolve_path
from ligature.errors import EncoderError
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams
from ligature.store import Layout
from ligature.store.hashing import hash_files

EncoderParams = VisionEncoderParams | TextEncoderParams


@dataclass(frozen=True)
class Source:
    """A resolved source.

    Attributes:
        location: local folder or Hub id, as the loading library takes it.
        revision: Hub commit to ask for, or None for a local folder.
        identity: what the manifest records: Hub commit, or the hash of the local weights.
    """

    location: str
    revision: str | None
    identity: str


def find_encoder(layout: Layout, name: str) -> EncoderParams:
    """Returns the registry entry of an encoder.

    Raises:
        EncoderError: naming the known encoders.
    """
    encoders = [*layout.study.encoders.vision, *layout.study.encoders.text]
    for encoder in encoders:
        if encoder.name == name:
            return encoder
    raise EncoderError(f"unknown encoder {name!r}; known: {', '.join(encoder.name for encoder in encoders)}")


def resolve_source(params: EncoderParams, layout: Layout) -> Source:
    """Finds the files of an encoder and checks a pinned hash.

    Raises:
        EncoderError: when a folder or package is missing, or the weights are not those pinned.
    """
    if params.recipe is not None:
        return _local(params, layout.encoder(params.name), "run the study's encoder step first")
    text = params.source or ""
    if text.startswith("package:"):
        return _local(params, _package_folder(params.name, text), "reinstall the package")
    path = resolve_path(text, layout)
    if path.is_dir():
        return _local(params, path, "check the folder")
    if text.startswith(("/", ".", "~", "$", "{")) or text.count("/") > 1:
        raise EncoderError(f"encoder {params.name!r}: no such folder {path}; check its source")
    return Source(text, params.revision, params.revision or _cached_revision(text))


def _package_folder(name: str, text: str) -> Path:
    package, _, folder = text.removeprefix("package:").partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"encoder {name!r}: package {package!r} is not installed; install it with pip")
    return Path(spec.submodule_search_locations[0]) / folder


def _local(params: EncoderParams, folder: Path, remedy: str) -> Source:
    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / "config.json").is_file() or not weights:
        raise EncoderError(f"encoder {params.name!r}: {folder} lacks config.json or *.safetensors; {remedy}")
    identity = hash_files(weights)
    if params.revision is not None and params.revision != identity:
        raise EncoderError(
            f"encoder {params.name!r}: the weights in {folder} are {identity}, the study pins {params.revision}; "
            "restore them or correct the revision"
        )
    return Source(str(folder), None, identity)


def _cached_revision(hub_id: str) -> str:
    """Returns the commit that the main branch of a Hub id stands for, asking the Hub or its local cache."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_CACHE

    reference = Path(HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}" / "refs" / "main"
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() not in ("1", "TRUE", "YES", "ON"):
        try:
            return str(HfApi().model_info(hub_id, timeout=20).sha)
        except Exception as error:
            if not reference.is_file():
                raise EncoderError(
                    f"{hub_id}: the Hub cannot be asked ({type(error).__name__}: {_first_line(error)})"
                ) from error
    if reference.is_file():
        return reference.read_text(encoding="utf-8").strip()
    raise EncoderError(f"{hub_id}: not in the local cache and the Hub is offline; download it or use a local folder")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else "no answer"
