"""Decoding images ahead of the model, in worker processes; a broken image is reported, never fatal."""

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ligature.encoders.preprocessing import Preprocess

MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000
MAX_ASPECT = 100
FORMATS = {"AVIF", "BMP", "GIF", "JPEG", "MPO", "PNG", "PPM", "TIFF", "WEBP"}
"""Formats that are read. Pillow knows others, and hands some of those (EPS) to programs outside."""


@dataclass(frozen=True)
class Decoded:
    """One image file, decoded or not.

    Attributes:
        row: in the table of images.
        pixels: [3, h, w], or None when it could not be used.
        sha256: of the file's bytes, first 32 hex digits; empty when it could not be read.
        reason: why it could not be used.
    """

    row: int
    pixels: Tensor | None
    sha256: str = ""
    reason: str = ""


def read_image(path: str) -> tuple[Image.Image, str]:
    """Reads and fully decodes an image file within limits of size, turned upright by its EXIF orientation.

    Returns:
        The image in RGB and the SHA-256 of the file (32 hex digits).

    Raises:
        ValueError: with the reason in a few words.
    """
    data = _read_bytes(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                _check_format_and_size(image)
                pixels = image.convert("RGB")
        except UnidentifiedImageError:
            raise ValueError("not an image") from None
        except _RefusedError:
            raise
        except Exception as error:  # what Pillow's decoders raise on broken files is of every kind
            raise ValueError(f"broken image ({' '.join(str(error).split())[:80]})") from error
        with contextlib.suppress(Exception):  # a broken EXIF block says nothing of the orientation
            ImageOps.exif_transpose(pixels, in_place=True)
    return pixels, hashlib.sha256(data).hexdigest()[:32]


class _RefusedError(ValueError):
    """An image that could be decoded, but is not wanted."""


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise ValueError(f"file above {MAX_BYTES >> 20} MiB")
            return file.read()
    except FileNotFoundError:
        raise ValueError("missing file") from None
    except OSError as error:
        raise ValueError(f"unreadable file ({error.strerror})") from error


def _check_format_and_size(image: Image.Image) -> None:
    if image.format not in FORMATS:
        raise _RefusedError(f"format {image.format} is not read")
    if image.width * image.height > MAX_PIXELS:
        raise _RefusedError(f"more than {MAX_PIXELS:,} pixels")
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise _RefusedError(f"sides above {MAX_ASPECT} : 1")


class _ImageFiles(Dataset):
    def __init__(self, paths: Sequence[str], preprocess: Preprocess) -> None:
        self.paths, self.preprocess = list(paths), preprocess

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> Decoded:
        try:
            image, sha256 = read_image(self.paths[row])
        except ValueError as error:
            return Decoded(row, None, reason=str(error))
        return Decoded(row, self.preprocess(image), sha256)


def _stack(items: list[Decoded]) -> tuple[list[Decoded], Tensor | None]:
    """Stacks the pixels of a batch once, so that workers hand over one tensor a batch."""
    pixels = [item.pixels for item in items if item.pixels is not None]
    facts = [Decoded(item.row, None, item.sha256, item.reason) for item in items]
    return facts, torch.stack(pixels) if pixels else None


def decoded_batches(
    paths: Sequence[str],
    preprocess: Preprocess,
    *,
    batch_size: int,
    workers: int = 0,
    first_row: int = 0,
    shard_rows: int | None = None,
) -> Iterator[tuple[list[Decoded], Tensor | None]]:
    """Yields batches in order: what became of each image, and the stacked pixels of the usable ones.

    Args:
        paths: image files.
        preprocess: of the encoder.
        batch_size: files a batch.
        workers: processes that decode ahead of the model; 0 decodes in this one.
        first_row: path to begin with.
        shard_rows: rows, counted from ``first_row``, after which a batch ends in any case.
    """
    rows = range(first_row, len(paths))
    shards = [rows[start : start + shard_rows] for start in range(0, len(rows), shard_rows)] if shard_rows else [rows]
    yield from DataLoader(
        _ImageFiles(paths, preprocess),
        batch_sampler=[shard[at : at + batch_size] for shard in shards for at in range(0, len(shard), batch_size)],
        num_workers=workers,
        collate_fn=_stack,
        prefetch_factor=4 if workers else None,
    )
