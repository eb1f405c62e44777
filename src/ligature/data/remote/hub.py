"""Pushes a finished data set or model, its card and its files of known kinds and nothing else, to a Hub."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ligature.data.remote.mirror import MIRROR_TOKEN, hub_options
from ligature.data.remote.resources import is_web_address
from ligature.errors import DataError

CARD = "README.md"
TOKEN_VARIABLE = "HF_TOKEN"
PUBLIC_HOSTS = ("huggingface.co", "hf.co")
MODEL_SUFFIXES = (".safetensors", ".json", ".txt", ".model")
KINDS = {"dataset": "data set", "model": "model"}


def push_dataset(
    folder: Path | str,
    repo_id: str,
    *,
    endpoint: str | None = None,
    token: str | None = None,
    private: bool = True,
    message: str = "Upload the data set",
) -> str:
    """Uploads ``README.md`` and the parquet files of a folder as one data set.

    With an ``endpoint`` of one's own, nothing is sent to the public Hub: its hosts are refused, redirects are not
    followed, no telemetry is sent, and the transfer through Xet, which has a network of its own, is off.

    Args:
        folder: a card and parquet files, and nothing else.
        repo_id: ``OWNER/NAME`` on the Hub; created when it is not there.
        endpoint: address of a Hub; by default the public one, or that of the variable ``HF_ENDPOINT``, or the mirror's
            (``LIGATURE_MIRROR``), which is shown its own token alone.
        token: token with the right to write; the variable ``HF_TOKEN`` by default.
        private: whether a repository that is created can be seen by its owner alone.
        message: title of the commit.

    Returns:
        The address of the data set.

    Raises:
        DataError: the folder holds no card, no data or something else, the name or the address is malformed, there is
            no token, or the Hub refuses; one line.
    """
    files = _files(Path(folder))
    return f"{_push('dataset', Path(folder), files, repo_id, endpoint, token, private, message)}/datasets/{repo_id}"


def push_model(
    folder: Path | str,
    repo_id: str,
    *,
    endpoint: str | None = None,
    token: str | None = None,
    private: bool = True,
    message: str = "Upload the model",
) -> str:
    """Uploads ``README.md``, the weights, and the json and vocabulary files of a folder and below as one model.

    Arguments and promises are those of ``push_dataset``.

    Returns:
        The address of the model.

    Raises:
        DataError: the folder holds no card, no weights or something else, the name or the address is malformed, there
            is no token, or the Hub refuses; one line.
    """
    files = _model_files(Path(folder))
    return f"{_push('model', Path(folder), files, repo_id, endpoint, token, private, message)}/{repo_id}"


def _push(
    kind: str,
    folder: Path,
    files: list[str],
    repo_id: str,
    endpoint: str | None,
    token: str | None,
    private: bool,
    message: str,
) -> str:
    """Checks the names and uploads; returns the address of the Hub."""
    options = hub_options() if endpoint is None else {}
    endpoint = options.get("endpoint", endpoint)
    token = options["token"] if options else token or os.environ.get(TOKEN_VARIABLE)
    if not token:
        variable = MIRROR_TOKEN if options else TOKEN_VARIABLE
        raise DataError(f"{repo_id}: no token; put one with the right to write into the variable {variable}")
    _check_names(repo_id, endpoint)
    with _confined_to(endpoint):
        return _upload(kind, folder, files, repo_id, endpoint, token, private, message)


def _files(folder: Path) -> list[str]:
    """Returns the names of the files to push, the card first."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}); write the data set first") from error
    data = [path.name for path in entries if path.suffix == ".parquet" and path.is_file()]
    for path in entries:
        if path.is_symlink() or path.name not in (CARD, *data):
            raise DataError(f"{path}: neither {CARD} nor a parquet file; move it out of the folder before pushing")
    if not (folder / CARD).is_file():
        raise DataError(f"{folder}: holds no {CARD}; write the card before pushing")
    if not data:
        raise DataError(f"{folder}: holds no parquet file; there is nothing to push")
    return [CARD, *data]


def _model_files(folder: Path) -> list[str]:
    """Returns the files to push by their paths in the folder, the card first."""
    if not (folder / CARD).is_file():
        raise DataError(f"{folder}: holds no {CARD}; export the model before pushing")
    paths = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    for path in paths:
        known = path.suffix in MODEL_SUFFIXES or path == folder / CARD
        if path.is_symlink() or not path.is_file() or not known:
            kinds = ", ".join(MODEL_SUFFIXES)
            raise DataError(f"{path}: neither {CARD} nor {kinds}; move it out of the folder before pushing")
    if not any(path.suffix == ".safetensors" for path in paths):
        raise DataError(f"{folder}: holds no safetensors; there is nothing to push")
    names = [path.relative_to(folder).as_posix() for path in paths]
    return [CARD, *(name for name in names if name != CARD)]


def _check_names(repo_id: str, endpoint: str | None) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise DataError(f"{_one_line(error)} Give the repository as OWNER/NAME") from error
    if "/" not in repo_id:
        raise DataError(f"repository {repo_id!r} has no owner; give it as OWNER/NAME")
    if endpoint is not None and not is_web_address(endpoint):
        raise DataError(f"endpoint {endpoint!r} is not an http or https address")


def _upload(
    kind: str,
    folder: Path,
    files: list[str],
    repo_id: str,
    endpoint: str | None,
    token: str,
    private: bool,
    message: str,
) -> str:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError

    api = HfApi(endpoint=None if endpoint is None else endpoint.rstrip("/"), token=token)
    try:
        api.create_repo(repo_id, repo_type=kind, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo_id, repo_type=kind, folder_path=folder, allow_patterns=files, commit_message=message
        )
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        raise DataError(f"{repo_id}: {api.endpoint} did not take the {KINDS[kind]} ({_one_line(error)})") from error
    return api.endpoint


def _one_line(error: BaseException) -> str:
    """Returns what went wrong, with its cause where a library has wrapped it, in one line of bounded length."""
    texts = [str(error), str(error.__cause__) if error.__cause__ else ""]
    text = ": ".join(" ".join(text.split()) for text in texts if text)
    return "".join(character for character in text if character.isprintable())[:500] or type(error).__name__


@contextmanager
def _confined_to(endpoint: str | None) -> Iterator[None]:
    """Keeps ``huggingface_hub`` from talking to the public Hub while the block runs, unless that is the endpoint."""
    if endpoint is None or _is_public(urlsplit(endpoint).hostname or ""):
        yield
        return
    from huggingface_hub import constants, set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    settings = {"ENDPOINT": endpoint.rstrip("/"), "HF_HUB_DISABLE_XET": True, "HF_HUB_DISABLE_TELEMETRY": True}
    before = {name: getattr(constants, name) for name in settings}
    set_client_factory(_private_client)
    _set(constants, settings)
    try:
        yield
    finally:
        _set(constants, before)
        set_client_factory(default_client_factory)


def _private_client() -> Any:
    from huggingface_hub.utils._http import default_client_factory

    client = default_client_factory()
    client.follow_redirects = False
    hooks = client.event_hooks
    client.event_hooks = {**hooks, "request": [*hooks["request"], _refuse_public_hosts]}
    return client


def _refuse_public_hosts(request: Any) -> None:
    if _is_public(request.url.host):
        raise ConnectionError(f"a request to {request.url.host}, a host of the public Hub, was stopped")


def _is_public(host: str) -> bool:
    return host.lower().endswith(tuple(f".{name}" for name in PUBLIC_HOSTS)) or host.lower() in PUBLIC_HOSTS


def _set(constants: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(constants, name, value)
