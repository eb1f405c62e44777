"""Random scenes: one draw, or a sequence of distinct ones in which every scene has its own seed."""

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from ligature.data.scenes.layout import STANDS, apart
from ligature.data.scenes.scene import Scene, SceneObject, class_names
from ligature.data.scenes.vocabulary import BACKGROUNDS, FILLS, MAX_OBJECTS, PLACES, SIZES
from ligature.errors import DataError

Choice = TypeVar("Choice")

OBJECT_COUNTS = (0.35, 0.4, 0.25)
"""Probability of one, two and three objects."""

MAX_DRAWS = 2000
"""Draws without a new scene after which a world counts as exhausted."""


def sample_scene(rng: np.random.Generator, *, objects: int | None = None, class_name: str | None = None) -> Scene:
    """Returns a random scene.

    Args:
        rng: where the randomness comes from.
        objects: number of objects, one to three; by default drawn from ``OBJECT_COUNTS``.
        class_name: class of one of the objects, for example ``red star``; any class by default.

    Raises:
        DataError: the number of objects or the class does not exist.
    """
    draws = iter(rng.random(3 + 4 * MAX_OBJECTS).tolist())
    first = next(draws)
    count = _count_objects(first) if objects is None else objects
    if not 1 <= count <= MAX_OBJECTS:
        raise DataError(f"a scene has one to {MAX_OBJECTS} objects, not {count}")
    classes = _draw_classes(count, class_name, draws)
    stands: list[tuple[str, str]] = []
    for _ in range(count):
        free = [stand for stand in STANDS if all(apart(stand, taken) for taken in stands)]
        stands.append(_pick(free, next(draws)))
    items = [
        SceneObject(name.split()[1], name.split()[0], size, _pick(FILLS, next(draws)), place)
        for name, (size, place) in zip(classes, stands, strict=True)
    ]
    background = _pick(BACKGROUNDS, next(draws))
    ordered = tuple(sorted(items, key=lambda item: item.cell))
    return Scene(ordered, background, int(next(draws) * 2**31))


def single_scenes(class_name: str) -> Iterator[Scene]:
    """Yields every scene, without variation, that holds one object of a class and nothing else."""
    colour, shape = class_name.split()
    for size, fill, place, background in itertools.product(SIZES, FILLS, PLACES, BACKGROUNDS):
        yield Scene((SceneObject(shape, colour, size, fill, place),), background)


def generator(seed: int, name: str, *positions: int) -> np.random.Generator:
    """Returns the generator of one item of a named part, such as scene 7 of ``coco/val``."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), *positions])


def distinct_scenes(
    part: str,
    count: int,
    *,
    seed: int,
    accept: Callable[[Scene], bool],
) -> Iterator[Scene]:
    """Yields ``count`` scenes of a part, no two with one key.

    Scene ``i`` depends on the seed, the part and the scenes before it, never on ``count``. The number of
    objects is drawn first and given up only when no scene of that number is found.

    Args:
        part: name of the part, for example ``coco/val``; it enters the seed of every scene.
        count: number of scenes.
        seed: seed of the world.
        accept: whether a scene belongs to the part.

    Raises:
        DataError: ``MAX_DRAWS`` draws in a row gave no new scene.
    """
    seen: set[str] = set()
    for index in range(count):
        rng = generator(seed, part, index)
        objects = _count_objects(float(rng.random()))
        for draw in range(MAX_DRAWS):
            scene = sample_scene(rng, objects=objects if draw < MAX_DRAWS // 2 else None)
            if scene.key not in seen and accept(scene):
                break
        else:
            raise DataError(f"{part}: {count} scenes asked for, but the world holds only about {index}")
        seen.add(scene.key)
        yield scene


def _count_objects(draw: float) -> int:
    return 1 + int(np.searchsorted(np.cumsum(OBJECT_COUNTS)[:-1], draw, side="right"))


def _draw_classes(count: int, class_name: str | None, draws: Iterator[float]) -> list[str]:
    names = list(class_names())
    if class_name is not None and class_name not in names:
        raise DataError(f"no class {class_name!r}; classes are a colour and a shape, for example {names[0]!r}")
    classes = []
    for _ in range(count):
        name = class_name or _pick(names, next(draws))
        class_name = None
        names.remove(name)
        classes.append(name)
    return classes


def _pick(options: Sequence[Choice], draw: float) -> Choice:
    return options[int(draw * len(options))]
