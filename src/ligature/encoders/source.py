"""Where an encoder's files are: Hub id, local folder, installed package, or made by the study itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ligature.data.open import resolve_path
from ligature.data.remote.mirror import hub_options
from ligature.encoders.unimodal.saving import check_model_folder
from ligature.errors import EncoderError
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams
from ligature.params.pretraining_checks import PLACEHOLDER
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
    what, text = f"encoder {params.name!r}", params.source or ""
    made_here = "a recipe" if params.recipe is not None else "a training" if text.startswith(PLACEHOLDER) else ""
    if made_here:
        if layout is None:
            raise EncoderError(f"{what}: {made_here} belongs to a study; give a source instead")
        return _own(params, layout)
    folder = find_folder(what, text, layout)
    if folder is not None:
        return _local(params, folder, "reinstall the package" if text.startswith("package:") else "check the folder")
    folder = fetch_folder(what, text, params.revision, HUB_FILES)
    _weights(params, folder, "only safetensors are read: choose another revision or model")
    return Source(folder, folder.name, on_hub=True)


def find_folder(what: str, text: str, layout: Layout | None) -> Path | None:
    """Returns the local folder that a source names; None for a Hub id.

    Args:
        what: that has the source, for the error.
        text: the source.
        layout: of the study; None to take the source literally.

    Raises:
        EncoderError: a package is not installed, or there is no such folder.
    """
    if text.startswith("package:"):
        return _package_folder(what, text)
    path = Path(text) if layout is None else resolve_path(text, layout)
    if path.is_dir():
        return path
    if text.startswith(("/", ".", "~", "$", "{")) or text.count("/") > 1:
        raise EncoderError(f"{what}: no such folder {path}; check its source")
    return None


def _package_folder(what: str, text: str) -> Path:
    package, _, folder = text.removeprefix("package:").partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"{what}: package {package!r} is not installed; install it with pip")
    return Path(spec.submodule_search_locations[0]) / folder


def _own(params: EncoderParams, layout: Layout) -> Source:
    """Returns what the study makes itself: by a recipe, or in its pre-training."""
    if params.recipe is not None:
        folder, step = layout.encoder(params.name), "encoder"
    else:
        folder, step = layout.pretraining / params.source.removeprefix(PLACEHOLDER) / "model", "pretraining"
    check_model_folder(folder)
    return _local(params, folder, f"run the study's {step} step first")


def _local(params: EncoderParams, folder: Path, remedy: str) -> Source:
    identity = hash_files(_weights(params, folder, remedy))
    if params.revision is not None and params.revision != identity:
        raise EncoderError(
            f"encoder {params.name!r}: the weights in {folder} are {identity}, the study pins {params.revision}; "
            "restore them or correct the revision"
        )
    return Source(folder, identity)


def fetch_folder(what: str, hub_id: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Asks the Hub, or its local cache where it cannot be reached, for the files of a repository.

    Args:
        what: that has the source, for the error.
        hub_id: of the repository.
        revision: its commit; None for the newest.
        patterns: of the names of the files that are fetched.

    Returns:
        Their folder in the cache, which is called as the commit.

    Raises:
        EncoderError: neither has them.
    """
    from huggingface_hub import snapshot_download

    try:
        options = {"revision": revision, "allow_patterns": list(patterns), **hub_options()}
        return Path(snapshot_download(hub_id, **options))
    except Exception as error:
        raise EncoderError(
            f"{what}: {hub_id} is neither a folder, nor to be had from the Hub or its local cache "
            f"({type(error).__name__}: {first_line(error)}); check its source and revision, or download it first"
        ) from error


def _weights(params: EncoderParams, folder: Path, remedy: str) -> list[Path]:
    weights = sorted(folder.rglob("*.safetensors"))
    if not (folder / "config.json").is_file() or not weights:
        raise EncoderError(f"encoder {params.name!r}: {folder} lacks config.json or *.safetensors; {remedy}")
    return weights


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, shortened."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
