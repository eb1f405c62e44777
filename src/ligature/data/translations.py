"""Further texts of the images of a data set: captions in several languages, long descriptions."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ligature.data.dataset import Dataset, one_line
from ligature.data.files import read_lines
from ligature.data.limits import check_size
from ligature.data.parallel import read_pairs, training_notes
from ligature.errors import DataError
from ligature.params.texts import DescriptionParams, TranslationParams
from ligature.progress import say

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")

Entries = list[tuple[str, dict[str, str]]]
"""Image (id, file name, or file name without ending) and its texts by variant."""


def with_translations(dataset: Dataset, params: TranslationParams, resolve: Callable[[str], Path]) -> Dataset:
    """Adds one caption a language to the images of a data set, each a text whose ``variant`` is the language.

    An entry belongs to the image whose id, file name or file name without ending it names. An image without an
    entry has no text in that language; entries of other images are left out, counted and said. Ids of texts are
    ``<image id>#<language>``.

    Args:
        dataset: images with captions.
        params: files, their format and the languages to read.
        resolve: turns a path of the study into a path of this machine.

    Returns:
        The data set with all its texts, image by image, and a note where files name COCO's training images.

    Raises:
        DataError: naming the file and line that is wrong, a language that no line holds with those there are, or a
            file that names no image of the data set.
    """
    if params.format == "jsonl":
        path = resolve(params.file)
        return _with_texts(dataset, _translated_lines(path, params.languages), path)
    names = resolve(params.names)
    for language in dict.fromkeys(params.languages):
        path = resolve(params.file.replace("{language}", language))
        dataset = _with_texts(dataset, [(file, {language: text}) for file, text in read_pairs(names, path)], path)
    notes = [note for note in training_notes(read_lines(names), names) if note not in dataset.notes]
    for note in notes:
        say(note)
    return replace(dataset, notes=(*dataset.notes, *notes))


def with_descriptions(dataset: Dataset, params: DescriptionParams, resolve: Callable[[str], Path]) -> Dataset:
    """Adds the long description of every image, whole and cut to its first words.

    ``variant`` is ``all`` for the whole text and ``<n>w`` for its first n words (what stands between spaces). A
    text of fewer than n words stands whole at n, so that every length has a text of the same images. Images and
    entries are matched as in ``with_translations``; ids of texts are ``<image id>#<variant>``.

    Args:
        dataset: images with captions.
        params: the file, of our own keys or those of DOCCI (``example_id``, ``description``), and numbers of words.
        resolve: turns a path of the study into a path of this machine.

    Raises:
        DataError: naming the file and line that is wrong, or a file that names no image of the data set.
    """
    path, entries = resolve(params.file), []
    for number, identity, values in _json_lines(path):
        text = values.get("text", values.get("description"))
        if not isinstance(text, str):
            raise DataError(f"{path}, line {number}: no text; give a string under the key text")
        words = one_line(text).split(" ")
        cuts = {f"{count}w": " ".join(words[:count]) for count in sorted(set(params.words))}
        entries.append((identity, cuts | {"all": " ".join(words)}))
    return _with_texts(dataset, entries, path)


def _translated_lines(path: Path, languages: list[str]) -> Entries:
    """Reads a text a language from every line that has one."""
    if "id" in languages:
        raise DataError(f"{path}: the key id names the image, so Indonesian must stand under another tag, as id-ID")
    entries, known = [], set()
    for number, identity, values in _json_lines(path):
        known |= {key for key in values if _LANGUAGE.fullmatch(key) and key != "id" and isinstance(values[key], str)}
        texts = {language: values[language] for language in languages if values.get(language) is not None}
        strange = [language for language, text in texts.items() if not isinstance(text, str)]
        if strange:
            raise DataError(f"{path}, line {number}: what stands under {strange[0]!r} is no text; give a string")
        entries.append((identity, texts))
    missing = [language for language in languages if not any(language in texts for _, texts in entries)]
    if missing:
        raise DataError(f"{path}: no line in language {missing[0]!r}; there are: {', '.join(sorted(known)) or 'none'}")
    return entries


def _json_lines(path: Path) -> Iterable[tuple[int, str, dict[str, Any]]]:
    """Yields number, image and values of every line."""
    for number, line in enumerate(read_lines(check_size(path)), start=1):
        try:
            values = json.loads(line)
            identity = next(values[key] for key in ("id", "image", "example_id") if key in values)
        except (ValueError, StopIteration, TypeError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: not a json object with an id or an image") from error
        if not isinstance(identity, str | int):
            raise DataError(f"{path}, line {number}: id {str(identity)[:60]!r} is neither a string nor a number")
        yield number, str(identity), values


def _with_texts(dataset: Dataset, entries: Entries, where: Path) -> Dataset:
    """Returns the data set with further texts, all of an image together: its own, then these in their order."""
    rows = _rows_of(dataset, entries, where)
    own = dataset.texts if "variant" in dataset.texts else dataset.texts.assign(variant="")
    clash = sorted(set(rows["variant"]) & set(own["variant"]))
    if clash:
        raise DataError(f"{where}: data set {dataset.name!r} has texts {clash[0]!r} already; name each of them once")
    lost = sorted({variant for _, texts in entries for variant in texts} - set(rows["variant"]))
    if lost:
        raise DataError(
            f"{where}: no image of data set {dataset.name!r} has a text {lost[0]!r}; leave it out of the study"
        )
    empty = rows["text"] == ""
    skipped = [{"id": identity, "reason": "empty caption"} for identity in rows["id"][empty]]
    texts = pd.concat([own, rows[~empty]], ignore_index=True)[["id", "image_id", "text", "variant"]]
    order = texts["image_id"].map(pd.Series(np.arange(len(dataset.images)), index=dataset.images["id"]))
    texts = texts.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)
    return replace(dataset, texts=texts, skipped_texts=dataset.skipped_texts + skipped)


def _rows_of(dataset: Dataset, entries: Entries, where: Path) -> pd.DataFrame:
    """Returns ``id``, ``image_id``, ``text`` and ``variant`` of the entries whose images the data set holds."""
    ids = _image_ids(dataset)
    owners = [_owner(ids, identity, where) for identity, _ in entries]
    strangers = [identity for (identity, _), owner in zip(entries, owners, strict=True) if owner is None]
    if len(strangers) == len(entries):
        example = f", such as {strangers[0][:60]!r}" if strangers else ""
        raise DataError(f"{where}: no entry names an image of data set {dataset.name!r}{example}; check the file")
    if strangers:
        say(
            f"{where}: {len(strangers):,} of {len(entries):,} entries name no image of data set {dataset.name!r}, "
            f"such as {strangers[0][:60]!r}; they are left out"
        )
    rows = [
        (f"{owner}#{variant}", owner, one_line(text), variant)
        for (_, texts), owner in zip(entries, owners, strict=True)
        for variant, text in texts.items()
        if owner is not None
    ]
    table = pd.DataFrame(rows, columns=["id", "image_id", "text", "variant"], dtype=object)
    twice = table[table["id"].duplicated()]
    if len(twice):
        image, variant = twice.iloc[0][["image_id", "variant"]]
        raise DataError(f"{where}: image {image!r} has two texts {variant!r}; remove one of them")
    return table


def _image_ids(dataset: Dataset) -> dict[str, set[str]]:
    """Returns the ids of the images that a name may mean; an id means its own image alone."""
    names: dict[str, set[str]] = {}
    for image, path in zip(dataset.images["id"], map(Path, dataset.images["path"]), strict=True):
        for name in (path.name, path.stem):
            names.setdefault(name, set()).add(image)
    return names | {image: {image} for image in dataset.images["id"]}


def _owner(ids: dict[str, set[str]], name: str, where: Path) -> str | None:
    """Returns the id of the image that a name means, or None where there is no such image."""
    found = sorted(ids.get(name, ()))
    if len(found) > 1:
        raise DataError(f"{where}: {name!r} may be image {found[0]!r} or {found[1]!r}; name it by its id")
    return found[0] if found else None
