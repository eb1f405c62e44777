"""`ligature lease`: runs a command on GPUs of this machine that no other lease holds."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from ligature.errors import ParamsError
from ligature.progress import say

POLL_SECONDS = 0.1


def lease(
    command: Annotated[list[str], typer.Argument(help="What to run, after `--`.")],
    gpus: Annotated[int, typer.Option(min=1, help="How many GPUs the command needs.")] = 1,
    locks: Annotated[
        Path | None, typer.Option(envvar="LIGATURE_LOCKS", help="Folder of the locks, one a GPU and user by default.")
    ] = None,
) -> None:
    """Wait for free GPUs, then become the command, which sees no others and holds their locks until it ends.

    The GPUs are those of LIGATURE_GPUS or CUDA_VISIBLE_DEVICES, such as `0,1`, else all that nvidia-smi lists.
    """
    folder = locks or Path(tempfile.gettempdir()) / f"ligature-gpus-{os.getuid()}"
    held = take(gpus, known_gpus(), folder)
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ",".join(held), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    for lock in held.values():
        os.set_inheritable(lock, True)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        raise ParamsError(f"cannot run {command[0]!r}: {error.strerror}; give the command after `--`") from error


def known_gpus() -> list[str]:
    """Returns the ids of the GPUs that leases share out.

    Raises:
        ParamsError: if none is named and nvidia-smi lists none.
    """
    for variable in ("LIGATURE_GPUS", "CUDA_VISIBLE_DEVICES"):
        if variable in os.environ:
            return _named(variable, os.environ[variable])
    if shutil.which("nvidia-smi") is None:
        raise ParamsError("no GPU to lease: nvidia-smi is not installed; name GPUs in LIGATURE_GPUS, such as 0,1")
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    listed = subprocess.run(query, capture_output=True, text=True, check=False)
    if listed.returncode != 0 or not listed.stdout.split():
        raise ParamsError(f"no GPU to lease: nvidia-smi lists none ({(listed.stdout + listed.stderr).strip()})")
    return listed.stdout.split()


def _named(variable: str, value: str) -> list[str]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if not all(letter.isalnum() or letter == "-" for letter in name) or names.count(name) > 1:
            raise ParamsError(f"{variable} names GPU {name!r}: give ids once each, with commas between, such as 0,1")
    return names


def take(count: int, names: list[str], folder: Path) -> dict[str, int]:
    """Waits until enough GPUs are free and locks them; the locks end with the process that holds them.

    Args:
        count: how many GPUs.
        names: ids of all GPUs.
        folder: holds one file a GPU; made if need be.

    Returns:
        The file descriptor of the lock of every GPU taken, in the order of ``names``.

    Raises:
        ParamsError: if there can never be so many.
    """
    if count > len(names):
        raise ParamsError(f"--gpus {count}: there are {len(names)} GPUs ({', '.join(names) or 'none'}); ask for fewer")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One waits at a time, so that a lease of several GPUs is not overtaken for ever by leases of one.
    queue = _open(folder / "queue.lock")
    fcntl.flock(queue, fcntl.LOCK_EX)
    held = _free(count, names, folder)
    if len(held) < count:
        say(f"waiting for {count} of the GPUs {', '.join(names)}")
    while len(held) < count:
        time.sleep(POLL_SECONDS)
        held |= _free(count - len(held), [name for name in names if name not in held], folder)
    os.close(queue)
    return {name: held[name] for name in names if name in held}


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _free(count: int, names: list[str], folder: Path) -> dict[str, int]:
    """Locks at most so many GPUs that are free now."""
    held: dict[str, int] = {}
    for name in names:
        if len(held) == count:
            break
        lock = _open(folder / f"gpu-{name}.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held[name] = lock
        except BlockingIOError:
            os.close(lock)
    return held
