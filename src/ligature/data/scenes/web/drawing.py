"""Draws web scenes whose classes follow given weights."""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ligature.data.scenes.division import is_web_scene
from ligature.data.scenes.sampling import generator, sample_scene
from ligature.data.scenes.scene import Scene, SceneObject, class_names
from ligature.data.scenes.vocabulary import BACKGROUNDS, COLOURS, MAX_OBJECTS, SHAPES
from ligature.data.scenes.web.shares import TAILS, UNKNOWN_SHAPES
from ligature.errors import DataError

HELD_DRAWS = 4
"""Draws, on all backgrounds each, after which the number of objects is given up for the largest."""

MAX_DRAWS = 200
"""Draws after which the web scenes of a class count as exhausted."""


def pool_weights(seed: int) -> np.ndarray:
    """Returns the probability of every class in the pool, [96]: a power of the ranks of its shape and of its colour."""
    shapes, colours = (_tail(ranks(seed, kind), exponent) for kind, exponent in TAILS.items())
    return np.outer(shapes, colours).ravel()


def skewed_weights(seed: int, source: str) -> np.ndarray:
    """Returns the probability of every class in a captioned source, [96].

    The shapes that are rarest in the pool have none: curated captions do not reach the tail of the web. Of the other
    classes each source has a third of its own choice not at all, and another third three times as often.
    """
    order = generator(seed, f"web/{source}/classes").permutation(len(class_names()))
    weights = np.zeros(len(order))
    weights[order] = np.repeat([0.0, 1.0, 3.0], len(order) // 3)
    known = ranks(seed, "shapes") <= len(SHAPES) - UNKNOWN_SHAPES
    weights *= np.repeat(known, len(COLOURS))
    return weights / weights.sum()


def ranks(seed: int, kind: str) -> np.ndarray:
    """Returns the rank of every shape or colour in the pool, 1 for the commonest."""
    count = {"shapes": len(SHAPES), "colours": len(COLOURS)}[kind]
    return generator(seed, f"web/{kind}").permutation(count) + 1


def _tail(ranks: np.ndarray, exponent: float) -> np.ndarray:
    weights = ranks**-exponent
    return weights / weights.sum()


class SceneDraw:
    """Draws scenes that no benchmark split holds, no two with one key.

    Args:
        weights: [96] probability of every class.
        objects: probability of one, two and three objects.
        seen: keys of the scenes drawn so far; several draws may share one set.
    """

    def __init__(self, weights: np.ndarray, objects: Sequence[float], seen: set[str]) -> None:
        """Keeps the arguments; the class explains them."""
        self._weights, self._objects, self._seen = weights, list(objects), seen

    def __call__(self, numbers: np.random.Generator, rng: random.Random) -> tuple[Scene, SceneObject]:
        """Returns a new scene and the object it is about, whose class has the weights' distribution.

        Raises:
            DataError: ``MAX_DRAWS`` draws gave no new scene.
        """
        chosen = numbers.choice(len(self._weights), MAX_OBJECTS, replace=False, p=self._weights)
        classes = [class_names()[index] for index in chosen]
        held = rng.choices(range(1, MAX_OBJECTS + 1), self._objects)[0]
        for attempt in range(MAX_DRAWS):
            count = held if attempt < HELD_DRAWS else MAX_OBJECTS
            drawn = _renamed(sample_scene(numbers, objects=count), rng.sample(classes[:count], count))
            for background in rng.sample(BACKGROUNDS, len(BACKGROUNDS)):
                scene = replace(drawn, background=background)
                if is_web_scene(scene) and scene.key not in self._seen:
                    self._seen.add(scene.key)
                    return scene, scene.objects[scene.labels.index(classes[0])]
        raise DataError(f"web: no new scene with a {classes[0]} after {len(self._seen)}; ask for fewer rows")


def _renamed(scene: Scene, names: Sequence[str]) -> Scene:
    """Returns the scene with other classes for its objects, in order."""
    pairs = [name.split() for name in names]
    objects = zip(scene.objects, pairs, strict=True)
    return replace(scene, objects=tuple(replace(item, colour=c, shape=s) for item, (c, s) in objects))
