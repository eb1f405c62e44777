"""`ligature caption`: captions of images of one's own, by a trained vision-language model."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image
from pydantic import ValidationError
from tqdm import tqdm

from ligature.captioning import GenerationSettings, VisionLanguageModel, caption_images
from ligature.captioning.folder import CONFIG
from ligature.cli.context import DeviceOption, ThreadsOption
from ligature.cli.own_files.search import visible
from ligature.data.images import MAX_BYTES, decode_image
from ligature.data.limits import check_size
from ligature.errors import DataError, ParamsError
from ligature.params.captioning import GenerationParams
from ligature.progress import Progress, say
from ligature.store.hashing import hash_files, hash_values


def caption(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    model: Annotated[Path, typer.Option(help="Folder of a trained model.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Add one JSON object an image to this file; images that have a caption there are left out."),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="What is asked; the first prompt of the training by default.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="greedy (default), beam or sample.")] = None,
    beams: Annotated[int | None, typer.Option(help="Texts that a beam search follows.")] = None,
    max_new_tokens: Annotated[int | None, typer.Option(help="Longest caption in tokens.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of draws.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Images that are captioned at once.")] = 16,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
) -> None:
    """Print path and caption of every image, or why it cannot be read; the status is 1 where one cannot."""
    import torch

    torch.set_num_threads(threads)
    settings = generation_settings(method=method, beams=beams, max_new_tokens=max_new_tokens, seed=seed)
    captioner = VisionLanguageModel.from_pretrained(model, device=device)
    made_by = hash_values([hash_files([model / CONFIG]), prompt, asdict(settings)])
    names = left_to_do(list(dict.fromkeys(map(str, images))), out, made_by)
    asked: int | str = 0 if prompt is None else prompt
    failed = False
    with Progress("caption", len(names), "images") as progress:
        for start in range(0, len(names), batch):
            found = list(caption_files(captioner, names[start : start + batch], settings, asked))
            failed |= any("error" in each for each in found)
            if out is not None:
                append_lines(out, [each | {"made_by": made_by} for each in found])
            tqdm.write("\n".join(map(line_of, found)))  # beside a bar, not into it
            progress.update(len(found))
    if failed:
        sys.exit(1)


def left_to_do(names: list[str], out: Path | None, made_by: str) -> list[str]:
    """Returns the images that have no caption in a file yet, and tells how many have one.

    Raises:
        DataError: the file holds something else, or captions of another model or with other settings.
    """
    done = set() if out is None else read_done(out, made_by)
    left = [name for name in names if name not in done]
    if len(left) < len(names):
        say(f"{out}: {len(names) - len(left):,} of {len(names):,} images are captioned there already")
    return left


def generation_settings(**options: Any) -> GenerationSettings:
    """Returns the settings of a generation; options that are None are as they are by default.

    More beams than one mean a beam search where no method is named.

    Raises:
        ParamsError: for an option that is out of range or has no effect.
    """
    given = {key: value for key, value in options.items() if value is not None}
    if "beams" in given:
        given.setdefault("method", "beam")
    try:
        return GenerationSettings(**GenerationParams(**given).model_dump())
    except ValidationError as error:
        problem = error.errors()[0]
        key = "".join(f"--{part}: ".replace("_", "-") for part in problem["loc"])
        raise ParamsError(f"{key}{problem['msg'].removeprefix('Value error, ')}") from error


def caption_files(
    model: VisionLanguageModel, names: Sequence[str], settings: GenerationSettings, prompt: int | str
) -> Iterator[dict[str, Any]]:
    """Yields for every file, in order, ``image`` with ``caption`` and whether it ``ended``, or with ``error``.

    Args:
        model: that captions.
        names: of the files; their images are in memory at once.
        settings: of the generation.
        prompt: number of the prompt, or a text of its own.
    """
    opened = [open_image(name) for name in names]
    pictures = [each for each in opened if isinstance(each, Image.Image)]
    made = iter(caption_images(model, pictures, settings, prompt=prompt, batch_size=len(names)) if pictures else [])
    for name, each in zip(names, opened, strict=True):
        if isinstance(each, Image.Image):
            generated = next(made)
            yield {"image": name, "caption": generated.text, "ended": generated.ended}
        else:
            yield {"image": name, "error": each}


def open_image(name: str) -> Image.Image | str:
    """Returns the image of a file, or in a few words why it cannot be read; nothing but a regular file is opened."""
    path = Path(name)
    try:
        if not path.is_file():
            return "no regular file" if path.exists() else "missing file"
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return decode_image(data)[0] if len(data) <= MAX_BYTES else f"file above {MAX_BYTES >> 20} MiB"
    except OSError as error:
        return f"unreadable file ({error.strerror})"
    except ValueError as error:
        return str(error)


def line_of(found: dict[str, Any]) -> str:
    """Returns path and caption, or path and error, with a tab between them and nothing that speaks to a terminal."""
    said = found["caption"] if "caption" in found else f"error: {found['error']}"
    return f"{visible(found['image'])}\t{visible(said)}"


def append_lines(path: Path, objects: Sequence[dict[str, Any]]) -> None:
    """Adds JSON objects to a file, one a line, which are on the disk when this returns.

    A line that a killed run left unfinished is cut off by ``read_done``.
    """
    with path.open("ab") as file:
        file.write("".join(json.dumps(each) + "\n" for each in objects).encode("ascii"))
        file.flush()
        os.fsync(file.fileno())


def read_done(path: Path, made_by: str) -> set[str]:
    """Returns the images that have a caption in a file, and cuts off a last line that is unfinished.

    Args:
        path: of the file, which need not be there.
        made_by: of the captions; what tells models and settings apart.

    Raises:
        DataError: the file holds something else, or captions of another model or with other settings.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        raise DataError(f"--out {path}: is no regular file; name another")
    if not path.is_file():
        return set()
    content = check_size(path).read_bytes()
    whole = content.rfind(b"\n") + 1
    done = set()
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        found = _line(path, number, line)
        if found["made_by"] != made_by:
            raise DataError(f"--out {path}, line {number}: by another model or with other settings; name another file")
        if "caption" in found:
            done.add(found["image"])
    if whole < len(content):
        if b'{"image"'[: len(content) - whole] != content[whole : whole + 8]:
            raise DataError(f"--out {path}: holds something else than captions; name another file")
        os.truncate(path, whole)
    return done


def _line(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
        if isinstance(found["image"], str) and isinstance(found["made_by"], str):
            return found
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise DataError(f"--out {path}, line {number}: is no caption that this verb wrote; name another file")
