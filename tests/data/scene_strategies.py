"""Hypothesis strategies and plain helpers shared by the tests of scenes."""

import random

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from ligature.data.scenes import Scene, SceneObject, sample_scene

few = settings(max_examples=25, deadline=None)

scenes = st.integers(0, 10**9).map(lambda seed: sample_scene(np.random.default_rng(seed)))


class FirstWords(random.Random):
    """Randomness that always takes the first word of a list."""

    def random(self) -> float:
        return 0.0


def one_object_scene(
    shape: str = "star",
    colour: str = "red",
    size: str = "large",
    fill: str = "solid",
    place: str = "centre",
    background: str = "white",
    variation: int = 0,
) -> Scene:
    return Scene((SceneObject(shape, colour, size, fill, place),), background, variation)
