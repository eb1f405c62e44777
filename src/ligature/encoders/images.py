"""Decoding images ahead of the model, in worker processes; a broken image is reported, never fatal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ligature.data.images import read_image
from ligature.encoders.preprocessing import Preprocess


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
        paths: image files, or images inside tar files as ``ligature.data.shards.member_path`` returns them.
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
