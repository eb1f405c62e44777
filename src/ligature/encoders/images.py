"""Decoding images ahead of the model, in worker processes; a broken image is reported, never fatal."""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000


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
    """Reads and fully decodes an image file within limits of size.

    Returns:
        The image in RGB and the SHA-256 of the file (32 hex digits).

    Raises:
        ValueError: with the reason in a few words.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ValueError("missing file") from None
    except OSError as error:
        raise ValueError(f"unreadable file ({error.strerror})") from error
    if len(data) > MAX_BYTES:
        raise ValueError(f"file above {MAX_BYTES >> 20} MiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"more than {MAX_PIXELS:,} pixels")
                return image.convert("RGB"), hashlib.sha256(data).hexdigest()[:32]
    except UnidentifiedImageError:
        raise ValueError("not an image") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"broken image ({str(error)[:80]})") from error


class _ImageFiles(Dataset):
    def __init__(self, paths: Sequence[str], preprocess: Callable[[Image.Image], Tensor], first_row: int) -> None:
        self.paths, self.preprocess, self.first_row = list(paths), preprocess, first_row

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Decoded:
        row = self.first_row + index
        try:
            image, sha256 = read_image(self.paths[index])
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
    preprocess: Callable[[Image.Image], Tensor],
    *,
    batch_size: int,
    workers: int = 0,
    first_row: int = 0,
) -> Iterator[tuple[list[Decoded], Tensor | None]]:
    """Yields batches in order: what became of each image, and the stacked pixels of the usable ones.

    Args:
        paths: image files.
        preprocess: of the encoder.
        batch_size: files a batch.
        workers: processes that decode ahead of the model; 0 decodes in this one.
        first_row: row number of the first path.
    """
    yield from DataLoader(
        _ImageFiles(paths, preprocess, first_row),
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=_stack,
        prefetch_factor=4 if workers else None,
    )
