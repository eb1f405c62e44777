"""Frozen features as arrays in memory or memory-mapped, and the batches drawn from them."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ligature.data.mixture import Mixture
from ligature.data.pairing import Pairing
from ligature.errors import DataError
from ligature.projection.ragged import RaggedTokens, concatenate_tokens
from ligature.store.rows import Rows

_HASH_BYTES = 1 << 26


Features = np.ndarray | RaggedTokens


def width_of(features: Features) -> int:
    """Returns the width D of pooled features [n, D] or of tokens.

    Raises:
        DataError: if an array is not [n, D].
    """
    array = features.tokens if isinstance(features, RaggedTokens) else features
    if array.ndim != 2:
        raise DataError(f"features of shape {list(array.shape)} are not [n, D]; tokens belong into RaggedTokens")
    return array.shape[1]


def take(features: Features, rows: np.ndarray) -> Features:
    """Returns the features of ``rows``, in their order; tokens are not copied."""
    return features.take(rows) if isinstance(features, RaggedTokens) else features[rows]


def concatenate(features: Sequence[Features]) -> Features:
    """Returns the features of all parts, one part after the other; tokens are not copied."""
    if len(features) == 1:
        return features[0]
    return concatenate_tokens(features) if isinstance(features[0], RaggedTokens) else np.concatenate(features)


def collate(features: Features, rows: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Returns the float32 features of ``rows`` on ``device``, [B, D] or padded [B, T, D], and the tokens' mask."""
    if not isinstance(features, RaggedTokens):
        return _on_device(features[rows], device), None
    padded, mask = features.pad(rows)
    return _on_device(padded, device), torch.from_numpy(mask).to(device)


def _on_device(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.asarray(array)).to(device).float()


def hash_features(features: Sequence[Features | None]) -> str:
    """Returns the SHA-256 of types, shapes and values of all features; where they are stored does not matter."""
    digest = hashlib.sha256()
    for part in features:
        ragged = isinstance(part, RaggedTokens)
        arrays = (part.tokens, part.offsets, part.scales, part.starts, part.lengths) if ragged else (part,)
        for array in arrays:
            _add_array(digest, array)
    return digest.hexdigest()


def _add_array(digest: "hashlib._Hash", array: np.ndarray | Rows | None) -> None:
    if array is None:
        digest.update(b"none")
        return
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    rows = max(_HASH_BYTES // max(array[:1].nbytes, 1), 1)
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]))


class Images(Protocol):
    """Vision features of n images, stored or made when they are asked for; branches are ``cls`` and ``local``."""

    def __len__(self) -> int:
        """Returns the number of images."""

    def width(self, branch: str) -> int | None:
        """Returns the width of the features of a branch, or None where there are none."""

    def select(self, branches: Collection[str]) -> "Images":
        """Returns the same images with the features of these branches only."""

    def take(self, rows: np.ndarray) -> "Images":
        """Returns the images of ``rows``, in their order."""

    def collate(self, rows: np.ndarray, device: torch.device) -> dict[str, Tensor | None]:
        """Returns float32 ``cls`` [B, D], ``local`` [B, D] or [B, T, D] and ``mask`` [B, T] of ``rows``."""

    def content_hash(self) -> str:
        """Returns a hash of all features."""


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Vision features of the same n images.

    Attributes:
        cls: CLS tokens [n, D], or None.
        local: mean patch tokens [n, D], or all patch tokens, or None.

    Raises:
        DataError: if both are missing, or if their numbers of images differ.
    """

    cls: np.ndarray | None = None
    local: Features | None = None

    def __post_init__(self) -> None:
        """Checks that something is there and that lengths agree."""
        lengths = {len(features) for features in (self.cls, self.local) if features is not None}
        if not lengths:
            raise DataError("image features need CLS tokens, patch tokens or both")
        if len(lengths) > 1:
            raise DataError(f"{len(self.cls)} CLS tokens do not fit the patch tokens of {len(self.local)} images")

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.local if self.cls is None else self.cls)

    def width(self, branch: str) -> int | None:
        """Returns the width of the features of ``cls`` or ``local``, or None where there are none."""
        features = getattr(self, branch)
        return None if features is None else width_of(features)

    def select(self, branches: Collection[str]) -> "ImageFeatures":
        """Returns the features of these branches only."""
        return ImageFeatures(**{branch: getattr(self, branch) for branch in branches})

    def take(self, rows: np.ndarray) -> "ImageFeatures":
        """Returns the images of ``rows``, in their order; tokens are not copied."""
        return ImageFeatures(*(None if part is None else take(part, rows) for part in (self.cls, self.local)))

    def content_hash(self) -> str:
        """Returns the SHA-256 of all features."""
        return hash_features([self.cls, self.local])

    def collate(self, rows: np.ndarray, device: torch.device) -> dict[str, Tensor | None]:
        """Returns the arguments of ``Projector.encode_image`` for ``rows``."""
        cls = None if self.cls is None else collate(self.cls, rows, device)[0]
        local, mask = (None, None) if self.local is None else collate(self.local, rows, device)
        return {"cls": cls, "local": local, "mask": mask}


class PairedFeatures:
    """Images and their captions, as features; every image has one caption or more.

    Attributes:
        images: features of n images, stored or encoded when they are drawn.
        texts: features of m captions: [m, D] means, or all tokens.
        image_of_text: [m], the row of each caption's image.
        content_hash: hash of features and pairing where their owner knows it; else it is computed.
        mixture: how often the images of several sources are drawn; None draws each once an epoch.
    """

    def __init__(
        self,
        images: Images,
        texts: Features,
        image_of_text: np.ndarray,
        content_hash: str | None = None,
        mixture: Mixture | None = None,
    ) -> None:
        """Checks the pairing and sorts the captions by image.

        Raises:
            DataError: if lengths disagree, a caption has no image, an image has no caption, or the mixture is one of
                another number of images.
        """
        self.images, self.texts, self.content_hash, self.mixture = images, texts, content_hash, mixture
        if len(image_of_text) != len(texts):
            raise DataError(f"{len(texts)} captions have {len(image_of_text)} entries in image_of_text")
        self._pairing = Pairing(image_of_text, range(len(images)))
        self.image_of_text = self._pairing.image_of_text
        if mixture is not None and mixture.rows != len(images):
            raise DataError(f"the sources of the mixture have {mixture.rows} images, the features {len(images)}")

    def sample_epoch(self, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the image rows [n] of an epoch in random order, and one random caption row [n] for each.

        The same ``seed`` and ``epoch`` give the same rows.
        """
        return self._pairing.sample_epoch(seed, epoch, self.mixture)
