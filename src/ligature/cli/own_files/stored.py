"""The folder of an index: facts, gallery and anchors, written at once and checked when it is read."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ligature.errors import DataError, StoreError
from ligature.matching.gallery import Gallery
from ligature.params.base import Block, Positive
from ligature.params.matching import Method
from ligature.store.atomic import replacing_folder, write_json
from ligature.store.hashing import hash_files

FACTS, GALLERY, ANCHORS = "index.json", "gallery.safetensors", "anchors.safetensors"
TENSORS = {"images", "texts", "probe"}
MAX_BYTES = 1 << 20


class Origin(Block):
    """The exported pair of an index.

    Attributes:
        source: its folder or Hub id.
        revision: on the Hub.
        projector: hash of its weights.
    """

    source: str
    revision: str | None = None
    projector: str


class IndexFacts(Block):
    """All of an index but its arrays.

    Attributes:
        format: version of this file.
        images: number of images in the gallery.
        left_out: number of files that could not or may not be read.
        encoders: identities of both encoders.
        method: of matching, where anchors take the place of training.
        stretch: whether dimensions are scaled by their deviation over the anchors.
        model: the trained pair, where there is one.
        files: hashes of the other files of the index.
        version: of the code that wrote it.
    """

    format: Literal[1] = 1
    images: Positive
    left_out: int = Field(0, ge=0)
    encoders: dict[Literal["vision", "text"], dict[str, Any]] = Field(min_length=2)
    method: Method | None = None
    stretch: bool = False
    model: Origin | None = None
    files: dict[str, str] = Field(default_factory=dict)
    version: str

    @model_validator(mode="after")
    def _one_kind(self) -> "IndexFacts":
        if (self.method is None) == (self.model is None):
            raise ValueError("an index has either a method or a model")
        return self


@dataclass(frozen=True, eq=False)
class Index:
    """An index as it is kept.

    Attributes:
        facts: about it.
        gallery: of the images.
        anchors: of an index without training: features ``images`` and ``texts`` of the anchors, row by row, and
            ``probe``, the vectors that the first texts had in the space of the gallery.
    """

    facts: IndexFacts
    gallery: Gallery
    anchors: dict[str, np.ndarray] = field(default_factory=dict)


def check_target(folder: Path) -> None:
    """Checks that an index may be written there: nothing stands there, an empty folder, or an index and nothing else.

    Raises:
        DataError: there is something else.
    """
    if folder.is_dir():
        entries = {path.name for path in folder.iterdir()}
        if entries and (FACTS not in entries or entries - {FACTS, GALLERY, ANCHORS}):
            raise DataError(f"--output {folder}: holds other files than an index; name another folder")
    elif folder.exists():
        raise DataError(f"--output {folder}: is a file; name a folder")


def write_index(folder: Path, index: Index) -> None:
    """Writes an index beside and moves it in, so that the folder always holds a whole index.

    Raises:
        DataError: the folder holds something else than an index.
    """
    check_target(folder)
    with replacing_folder(folder.resolve()) as beside:
        index.gallery.save(beside / GALLERY)
        if index.anchors:
            save_file(index.anchors, beside / ANCHORS)
        files = {path.name: hash_files([path]) for path in sorted(beside.iterdir())}
        write_json(beside / FACTS, index.facts.model_copy(update={"files": files}).model_dump(mode="json"))


def read_index(folder: Path) -> Index:
    """Reads an index; nothing is unpickled, and no name in it is followed.

    Raises:
        StoreError: there is none, or it is damaged or contradicts itself.
    """
    facts = _read_facts(folder / FACTS)
    for name in (GALLERY, ANCHORS) if facts.method else (GALLERY,):
        path = folder / name
        if not path.is_file() or hash_files([path]) != facts.files.get(name):
            raise StoreError(f"{path}: missing or damaged; run `ligature index` again")
    gallery = Gallery.load(folder / GALLERY)
    if len(gallery.names) != facts.images:
        raise StoreError(f"{folder}: {len(gallery.names)} images, {FACTS} says {facts.images}; index them again")
    return Index(facts, gallery, _read_anchors(folder / ANCHORS) if facts.method else {})


def _read_facts(path: Path) -> IndexFacts:
    if not path.is_file():
        raise StoreError(f"{path}: missing; {path.parent} holds no index, run `ligature index` first")
    if path.stat().st_size > MAX_BYTES:
        raise StoreError(f"{path}: above {MAX_BYTES:,} bytes; this is no index")
    try:
        return IndexFacts.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = "".join(f"{part}: " for part in first["loc"])
        raise StoreError(f"{path}: {key}{first['msg'].removeprefix('Value error, ')}; index again") from error
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path}: cannot be read or is not json; run `ligature index` again") from error


def _read_anchors(path: Path) -> dict[str, np.ndarray]:
    try:
        anchors = load_file(path)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: cannot be read; run `ligature index` again") from error
    if set(anchors) != TENSORS or any(rows.ndim != 2 or rows.dtype != np.float64 for rows in anchors.values()):
        raise StoreError(f"{path}: does not hold the anchors of an index; run `ligature index` again")
    return anchors


def require_encoder(facts: IndexFacts, side: str, identity: dict[str, Any]) -> None:
    """Checks that an encoder is the one of an index, wherever it was loaded from.

    Raises:
        StoreError: naming what differs.
    """
    before = facts.encoders[side]
    keys = sorted(key for key in {*before, *identity} - {"source"} if before.get(key) != identity.get(key))
    if keys:
        raise StoreError(
            f"encoder {identity.get('name')!r} is not that of the index, {before.get('name')!r} "
            f"({', '.join(keys)} differ); restore it or run `ligature index` again"
        )
