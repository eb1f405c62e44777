"""Where an encoder's files are: Hub id, local folder, installed package, or made by the study itself."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ligature.data.open import resolve_path
from ligature.data.remote.mirror import hub_options
from ligature.encoders.unimodal.saving import check_model_folder
from ligature.errors import EncoderError
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams
from ligature.store import Layout
from ligature.store.hashing import hash_files

EncoderParams = VisionEncoderParams | TextEncoderParams

HUB_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")
"""What is fetched of a Hub repository: neither code nor pickled weights."""


@dataclass(frozen=True)
class Source:
    """A resolved source.

    Attributes:
        folder: with the files, local in every case.
        identity: what the manifest records: Hub commit, or the hash of the local weights.
        on_hub: whether the files were fetched from the Hub.
    """

    folder: Path
    identity: str
    on_hub: bool = False


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


def resolve_source(params: EncoderParams, layout: Layout | None) -> Source:
    """Finds the files of an encoder, downloads those of a Hub id, and checks a pinned hash.

    Args:
        params: the registry entry.
        layout: of the study; None for an encoder that belongs to none, whose source is then taken literally.

    Raises:
        DamagedError: a file of an encoder of the study's own is not what was written.
        EncoderError: when files are missing or cannot be had, or the weights are not those pinned.
    """
    if params.recipe is not None:
        if layout is None:
            raise EncoderError(f"encoder {params.name!r}: a recipe belongs to a study; give a source instead")
        folder = layout.encoder(params.name)
        check_model_folder(folder)
        return _local(params, folder, "run the study's encoder step first")
    text = params.source or ""
    if text.startswith("package:"):
        return _local(params, _package_folder(params.name, text), "reinstall the package")
    path = Path(text) if layout is None else resolve_path(text, layout)
    if path.is_dir():
        return _local(params, path, "check the folder")
    if text.startswith(("/", ".", "~", "$", "{")) or text.count("/") > 1:
        raise EncoderError(f"encoder {params.name!r}: no such folder {path}; check its source")
    return _hub(params, text)


def _package_folder(name: str, text: str) -> Path:
    package, _, folder = text.removeprefix("package:").partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"encoder {name!r}: package {package!r} is not installed; install it with pip")
    return Path(spec.submodule_search_locations[0]) / folder


def _local(params: EncoderParams, folder: Path, remedy: str) -> Source:
    identity = hash_files(_weights(params, folder, remedy))
    if params.revision is not None and params.revision != identity:
        raise EncoderError(
            f"encoder {params.name!r}: the weights in {folder} are {identity}, the study pins {params.revision}; "
            "restore them or correct the revision"
        )
    return Source(folder, identity)


def _hub(params: EncoderParams, hub_id: str) -> Source:
    """Asks the Hub, or its local cache where it cannot be reached; the cache names a snapshot's folder by commit."""
    from huggingface_hub import snapshot_download

    try:
        options = {"revision": params.revision, "allow_patterns": list(HUB_FILES), **hub_options()}
        folder = Path(snapshot_download(hub_id, **options))
    except Exception as error:
        raise EncoderError(
            f"encoder {params.name!r}: {hub_id} is neither a folder, nor to be had from the Hub or its local cache "
            f"({type(error).__name__}: {first_line(error)}); check its source and revision, or download it first"
        ) from error
    _weights(params, folder, "only safetensors are read: choose another revision or model")
    return Source(folder, folder.name, on_hub=True)


def _weights(params: EncoderParams, folder: Path, remedy: str) -> list[Path]:
    weights = sorted(folder.rglob("*.safetensors"))
    if not (folder / "config.json").is_file() or not weights:
        raise EncoderError(f"encoder {params.name!r}: {folder} lacks config.json or *.safetensors; {remedy}")
    return weights


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, shortened."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
