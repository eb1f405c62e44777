"""Files of whole sentences a class, such as descriptions of how its members look."""

from collections.abc import Mapping
from pathlib import Path

from ligature.data.files import read_json
from ligature.data.limits import check_size
from ligature.errors import DataError


def read_sentences(path: Path, classes: Mapping[str, str]) -> list[list[str]]:
    """Reads a json object of one list of sentences a class, by class key or else by name.

    Lists of different lengths stay as they are.

    Args:
        path: the json file.
        classes: keys and names in the order of labels.

    Returns:
        The sentences of every class, in the order of labels.

    Raises:
        DataError: naming the class without sentences.
    """
    values = read_json(check_size(path))
    if not isinstance(values, dict):
        raise DataError(f"{path}: expected one json object of class keys or names and their lists of sentences")
    return [_checked(values.get(key, values.get(name)), key, name, path) for key, name in classes.items()]


def _checked(sentences: object, key: str, name: str, path: Path) -> list[str]:
    if sentences is None:
        raise DataError(f"{path}: no sentences for class {key!r} ({name}); add them under its key or name")
    if not isinstance(sentences, list) or not sentences:
        raise DataError(f"{path}: class {key!r} ({name}) needs a list of at least one sentence")
    for sentence in sentences:
        if not isinstance(sentence, str) or not sentence.strip():
            raise DataError(f"{path}: class {key!r} ({name}): {str(sentence)[:60]!r} is no sentence; correct it")
    return [" ".join(sentence.split()).encode("utf-8", "replace").decode("utf-8") for sentence in sentences]
