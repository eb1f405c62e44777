"""Images decoded and encoded whenever they are asked for: training on every token without a store of them."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ligature.data.images import MAX_BYTES, read_image, short_sha256
from ligature.data.shards import read_bytes
from ligature.encoders.vision import VisionEncoder, VisionFeatures
from ligature.errors import DataError, EncoderError
from ligature.store.hashing import hash_strings, hash_values

BRANCHES = ("cls", "local")


@dataclass(frozen=True, eq=False)
class EncodedImages:
    """Token features of n images, made anew at every call; the same as those of a store but for its rounding.

    Attributes:
        encoder: frozen, with deterministic preprocessing.
        paths: of the n images, as ``ligature.data.images.read_image`` takes them.
        branches: ``cls``, ``local`` or both, which are returned where the encoder has them.
        batch_size: images a forward pass.
        workers: threads that read and decode.

    Raises:
        DataError: if there are no images.
    """

    encoder: VisionEncoder
    paths: Sequence[str]
    branches: Collection[str] = BRANCHES
    batch_size: int = 64
    workers: int = 2

    def __post_init__(self) -> None:
        """Checks that there is an image."""
        if not len(self.paths):
            raise DataError("there are no images to encode; check the data sets of training")

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.paths)

    def width(self, branch: str) -> int | None:
        """Returns the width of the features of ``cls`` or ``local``, or None where there are none."""
        return self._widths[branch] if branch in self.branches else None

    @cached_property
    def _widths(self) -> dict[str, int | None]:
        """The widths that the encoder gives for the first image."""
        parts = _branches(self._encode(np.array([0])))
        return {name: None if part is None else part.shape[-1] for name, part in parts.items()}

    def select(self, branches: Collection[str]) -> "EncodedImages":
        """Returns the same images with the features of these branches only."""
        return replace(self, branches=tuple(branches))

    def take(self, rows: np.ndarray) -> "EncodedImages":
        """Returns the images of ``rows``, in their order."""
        return replace(self, paths=[self.paths[row] for row in rows])

    def content_hash(self) -> str:
        """Returns a hash of the encoder's identity and of the bytes of all files, which are read for it.

        Raises:
            DataError: naming an image that cannot be read.
        """
        with ThreadPoolExecutor(self.workers) as threads:
            return hash_strings([hash_values(self.encoder.identity), *threads.map(_file_hash, self.paths)])

    def collate(self, rows: np.ndarray, device: torch.device) -> dict[str, Tensor | None]:
        """Returns float32 ``cls`` [B, D], ``local`` [B, T, D] and ``mask`` [B, T] of ``rows`` on ``device``.

        Raises:
            DataError: naming an image that cannot be read.
            EncoderError: if the encoder gives one vector only.
        """
        starts = range(0, len(rows), self.batch_size)
        batches = [_branches(self._encode(rows[start : start + self.batch_size])) for start in starts]
        found: dict[str, Tensor | None] = {"cls": None, "local": None, "mask": None}
        for name in self.branches:
            if batches[0][name] is not None:
                found[name] = torch.cat([batch[name] for batch in batches]).to(device).float()
        if found["local"] is not None:
            found["mask"] = torch.ones(found["local"].shape[:2], dtype=torch.bool, device=device)
        return found

    @torch.no_grad()
    def _encode(self, rows: np.ndarray) -> VisionFeatures:
        with ThreadPoolExecutor(self.workers) as threads:
            pixels = list(threads.map(self._pixels, [self.paths[row] for row in rows]))
        features = self.encoder.forward(torch.stack(pixels))
        if features.patches is None:
            raise EncoderError(f"encoder {self.encoder.name!r} has no token states; use train.mode 'pooled'")
        return features

    def _pixels(self, path: str) -> Tensor:
        try:
            image = read_image(path)[0]
        except ValueError as error:
            raise _unreadable(path, error) from error
        return self.encoder.preprocess(image)


def _branches(features: VisionFeatures) -> dict[str, Tensor | None]:
    """Splits features as a store of tokens is split: patches only where there is one or more."""
    return {"cls": features.cls, "local": features.patches if features.patches.shape[1] else None}


def _file_hash(path: str) -> str:
    try:
        return short_sha256(read_bytes(path, MAX_BYTES))
    except ValueError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: ValueError) -> DataError:
    return DataError(f"{path}: {error}; replace it or remove it from the data set, train.mode 'images' needs them all")
