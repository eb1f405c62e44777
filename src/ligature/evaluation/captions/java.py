"""Java programs of the optional package pycocoevalcap: where they are, and how they are run and ended."""

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from ligature.errors import LigatureError

TIMEOUT = 3600.0
"""Seconds that one program may take over all captions; METEOR takes some minutes over 5,000 images."""

SEPARATORS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")  # and what UTF-8 cannot hold


def package_file(what: str, *parts: str) -> Path:
    """Returns a file of the installed package pycocoevalcap; nothing of the package is imported.

    Raises:
        LigatureError: package or file is missing; names ``what``, which needs it.
    """
    spec = find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        raise LigatureError(f"{what}: needs the package pycocoevalcap; run: pip install 'ligature[captions]'")
    path = Path(next(iter(spec.submodule_search_locations)), *parts)
    if not path.is_file():
        raise LigatureError(f"{what}: {path} is missing; run: pip install --force-reinstall pycocoevalcap")
    return path


def java_command(what: str, heap: str, *arguments: str) -> list[str]:
    """Returns the command line of a Java program with at most ``heap`` (say "1g") of heap, UTF-8 throughout.

    Raises:
        LigatureError: there is no Java.
    """
    java = shutil.which("java")
    if java is None:
        raise LigatureError(f"{what}: needs Java, and there is no program java; install a Java runtime, 8 or later")
    return [java, f"-Xmx{heap}", "-Dfile.encoding=UTF-8", *arguments]


def one_line(text: str) -> str:
    """Returns the text with each run of white space, line separators and control characters as one blank."""
    return SEPARATORS.sub(" ", text).strip()


@contextmanager
def running(what: str, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Starts a program with pipes as its input and output, and ends it on the way out, whatever happened.

    After ``TIMEOUT`` seconds it is killed; who reads from it then meets the end of its output.

    Args:
        what: name for errors.
        command: command line.

    Raises:
        LigatureError: it broke off or took too long, with the last line that it wrote as an error.
    """
    with tempfile.TemporaryFile() as errors:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, encoding="utf-8")
        late = threading.Event()
        watch = threading.Timer(TIMEOUT, lambda: (late.set(), process.kill()))
        watch.start()
        try:
            yield process
        except (BrokenPipeError, EOFError) as error:
            why = f"no end within {TIMEOUT:g} s" if late.is_set() else last_line(errors) or str(error)
            raise LigatureError(f"{what}: Java failed: {why}") from error
        finally:
            watch.cancel()
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Kills a program where it still runs, waits for it and closes its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()
        except BrokenPipeError:
            continue  # lines that it did not live to read


def last_line(errors: IO[bytes]) -> str:
    """Returns the last line that says something and is no frame of a stack, 200 characters at most."""
    errors.seek(0)
    lines = [line.strip() for line in errors.read().decode("utf-8", "replace").split("\n")]
    said = [line for line in lines if line and not line.startswith(("at ", "... "))]
    return said[-1][:200] if said else ""


def answer(process: subprocess.Popen[str], line: str = "") -> str:
    """Sends a line, if one is given, and returns the next line of the program.

    Raises:
        EOFError: it ended instead.
    """
    if line:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    found = process.stdout.readline()
    if not found.endswith("\n"):
        raise EOFError("it ended without an answer")
    return found.strip()


def output_of(process: subprocess.Popen[str], text: str = "") -> str:
    """Sends all of the input and returns all of the output of a program that ends by itself.

    Raises:
        EOFError: it failed.
    """
    output, _ = process.communicate(text)
    if process.returncode != 0:
        raise EOFError(f"exit status {process.returncode}")
    return output
