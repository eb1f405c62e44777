"""What happens to features before a projector sees them: selection, width checks, a content hash."""

import hashlib

import numpy as np

from ligature.errors import DataError, ParamsError
from ligature.projection.config import ProjectorConfig
from ligature.projection.features import Features, ImageFeatures, PairedFeatures, RaggedTokens, width_of
from ligature.store.hashing import hash_values

_HASH_BYTES = 1 << 26


def check_width(key: str, expected: int, features: Features) -> None:
    """Checks that ``features`` have the width that the config gives under ``key``.

    Raises:
        ParamsError: if they have not.
    """
    if width_of(features) != expected:
        raise ParamsError(f"{key} is {expected}, but the features are {width_of(features)} wide")


def select_images(config: ProjectorConfig, images: ImageFeatures) -> ImageFeatures:
    """Returns the image features that the projector of ``config`` uses, without the others.

    Raises:
        DataError: if features of a branch are missing.
        ParamsError: if their width is not ``vision_dim``.
    """
    used = {}
    for branch in config.vision_branches:
        name = branch.removeprefix("vision_")
        used[name] = getattr(images, name)
        if used[name] is None:
            raise DataError(f"the image features have no {name} tokens: embed them or set {branch} to none")
        check_width("vision_dim", config.vision_dim, used[name])
    return ImageFeatures(**used)


def select_pairs(config: ProjectorConfig, data: PairedFeatures) -> PairedFeatures:
    """Returns ``data`` with only the features that the projector of ``config`` uses.

    Raises:
        DataError: if features of a branch are missing.
        ParamsError: if a width is not ``vision_dim`` or ``text_dim``.
    """
    check_width("text_dim", config.text_dim, data.texts)
    images = select_images(config, data.images)
    return PairedFeatures(images, data.texts, data.image_of_text, data.content_hash, data.mixture)


def hash_pairs(data: PairedFeatures) -> str:
    """Returns a hash of features, pairing and mixture: of the hash given with ``data``, or SHA-256 of all contents."""
    contents = _hash_contents(data) if data.content_hash is None else data.content_hash
    if data.mixture is None:
        return contents
    return hash_values([contents, data.mixture.sizes, data.mixture.weights])


def _hash_contents(data: PairedFeatures) -> str:
    digest = hashlib.sha256()
    for features in (data.images.cls, data.images.local, data.texts, data.image_of_text):
        arrays = (features.tokens, features.offsets) if isinstance(features, RaggedTokens) else (features,)
        for array in arrays:
            _add_array(digest, array)
    return digest.hexdigest()


def _add_array(digest: "hashlib._Hash", array: np.ndarray | None) -> None:
    if array is None:
        digest.update(b"none")
        return
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    rows = max(_HASH_BYTES // max(array[:1].nbytes, 1), 1)
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]))
