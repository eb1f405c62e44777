"""The pool: rows in the layout of LAION-400M, with a Zipf tail of concepts and planted duplicates and leaks."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ligature.data.scenes.sampling import generator
from ligature.data.scenes.scene import Scene, SceneObject
from ligature.data.scenes.web.alttext import SOUND, alt_text, full_caption, respelled
from ligature.data.scenes.web.drawing import SceneDraw
from ligature.data.scenes.web.leaks import Leak
from ligature.data.scenes.web.publishing import Publisher
from ligature.data.scenes.web.shares import ALT_TEXTS, COPIES, ENDLESS, LICENSES, NSFW, OK, POOL, STATED_SIZES, draw
from ligature.errors import DataError
from ligature.store.atomic import replacing

COPY_QUALITY = 60
"""JPEG quality of a re-encoded picture."""

_SCHEMA = pa.schema(
    [
        ("SAMPLE_ID", pa.int64()),
        ("URL", pa.string()),
        ("TEXT", pa.string()),
        ("HEIGHT", pa.int64()),
        ("WIDTH", pa.int64()),
        ("LICENSE", pa.string()),
        ("NSFW", pa.string()),
        ("similarity", pa.float64()),
    ]
)


class LaionRow(NamedTuple):
    """One row; the names are the columns of the file in lower case."""

    sample_id: int
    url: str
    text: str | None
    height: int | None
    width: int | None
    license: str
    nsfw: str
    similarity: float


class _Original(NamedTuple):
    row: LaionRow
    scene: Scene
    item: SceneObject


class Pool:
    """Makes the rows of the pool.

    Args:
        seed: seed of the world.
        image_size: side of the pictures in pixels.
        draw_scene: gives scenes with the pool's classes.
        publisher: gives pictures their urls.
    """

    def __init__(self, seed: int, image_size: int, draw_scene: SceneDraw, publisher: Publisher) -> None:
        """Keeps the arguments; the class explains them."""
        self._seed, self._image_size = seed, image_size
        self._draw_scene, self._publisher = draw_scene, publisher
        self._originals: list[_Original] = []

    def rows(self, count: int, leaks: Sequence[Leak]) -> Iterator[LaionRow]:
        """Yields ``count`` rows: plain ones, then copies of them, then leaks.

        Raises:
            DataError: ``count`` has no room for the leaks.
        """
        copies = [kind for kind, share in COPIES.items() for _ in range(int(share * count))]
        plain = count - len(copies) - len(leaks)
        if plain < count // 2:
            raise DataError(f"web: laion: {count} rows are too few for {len(leaks)} leaks; ask for more")
        for index in range(plain):
            yield self._plain(index)
        for index, kind in enumerate(copies, plain):
            yield self._copy(kind, self._rng(index))
        for index, leak in enumerate(leaks, plain + len(copies)):
            rng = self._rng(index)
            yield self._row(self._publisher.publish_sound(leak.jpeg_bytes, rng), leak.caption, True, rng)

    def _rng(self, index: int) -> random.Random:
        return random.Random(f"web/laion/{self._seed}/{index}")

    def _plain(self, index: int) -> LaionRow:
        rng, numbers = self._rng(index), generator(self._seed, "web/laion", index)
        scene, item = self._draw_scene(numbers, rng)
        kind = "endless" if index < ENDLESS else draw(ALT_TEXTS, rng)
        told = self._draw_scene(numbers, rng) if kind == "wrong" else (scene, item)
        url, behaviour = self._publisher.publish(scene, POOL, rng)
        row = self._row(url, alt_text(kind, *told, rng), kind in SOUND, rng)
        if behaviour == OK and kind in SOUND:
            self._originals.append(_Original(row, scene, item))
        return row

    def _copy(self, kind: str, rng: random.Random) -> LaionRow:
        if not self._originals:
            raise DataError("web: laion: too few rows for copies; ask for more")
        row, scene, item = rng.choice(self._originals)
        if kind == "row":
            return row
        if kind == "url":
            return self._row(row.url, _other_caption(row, scene, rng), True, rng)
        if kind == "caption":
            body = self._publisher.picture(replace(scene, variation=rng.getrandbits(31)))
            text = respelled(row.text, rng)
        else:
            body = self._publisher.picture(scene, quality=COPY_QUALITY)
            text = alt_text("shop", scene, item, rng)
        return self._row(self._publisher.publish_sound(body, rng), text, True, rng)

    def _row(self, url: str, text: str | None, told: bool, rng: random.Random) -> LaionRow:
        height, width = self._stated_size(rng)
        similarity = 0.3 + abs(rng.gauss(0, 0.04 if told else 0.01))
        return LaionRow(rng.getrandbits(62), url, text, height, width, draw(LICENSES, rng), draw(NSFW, rng), similarity)

    def _stated_size(self, rng: random.Random) -> tuple[int | None, int | None]:
        side = self._image_size
        sizes = {"true": (side, side), "unknown": (None, None), "banner": (side, 8 * side), "pixel": (1, 1)}
        return sizes[draw(STATED_SIZES, rng)]


def _other_caption(row: LaionRow, scene: Scene, rng: random.Random) -> str:
    """Returns a caption of ``scene`` that the row does not have."""
    while (text := full_caption(scene, rng)) == row.text:
        pass
    return text


def write_laion(folder: Path, rows: Sequence[LaionRow], parts: int, seed: int) -> None:
    """Writes rows in a seeded order as ``part-00000.parquet`` and so on, in parts of nearly one size."""
    order = generator(seed, "web/laion/order").permutation(len(rows))
    for number, positions in enumerate(np.array_split(order, parts)):
        columns = zip(*(rows[position] for position in positions), strict=True)
        arrays = [list(column) for column in columns] or [[] for _ in _SCHEMA]
        with replacing(folder / f"part-{number:05d}.parquet") as temporary:
            pq.write_table(pa.table(arrays, schema=_SCHEMA), temporary)
