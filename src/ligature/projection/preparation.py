"""What happens to features before a projector sees them: selection, width checks, a content hash."""

from ligature.errors import DataError, ParamsError
from ligature.projection.config import ProjectorConfig
from ligature.projection.features import Features, Images, PairedFeatures, hash_features, width_of
from ligature.store.hashing import hash_values


def check_width(key: str, expected: int, features: Features) -> None:
    """Checks that ``features`` have the width that the config gives under ``key``.

    Raises:
        ParamsError: if they have not.
    """
    _check_width(key, expected, width_of(features))


def _check_width(key: str, expected: int, width: int) -> None:
    if width != expected:
        raise ParamsError(f"{key} is {expected}, but the features are {width} wide")


def select_images(config: ProjectorConfig, images: Images) -> Images:
    """Returns the image features that the projector of ``config`` uses, without the others.

    Raises:
        DataError: if features of a branch are missing.
        ParamsError: if their width is not ``vision_dim``.
    """
    names = [branch.removeprefix("vision_") for branch in config.vision_branches]
    for name in names:
        width = images.width(name)
        if width is None:
            raise DataError(f"the image features have no {name} tokens: embed them or set vision_{name} to none")
        _check_width("vision_dim", config.vision_dim, width)
    return images.select(names)


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
    return hash_values([data.images.content_hash(), hash_features([data.texts, data.image_of_text])])
