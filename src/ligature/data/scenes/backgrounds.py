"""Backgrounds: quiet, pale or dark, so that every object colour stands out."""

import random
from functools import cache

import numpy as np

_PLAIN = {
    "white": (250, 250, 250),
    "grey": (190, 193, 198),
    "beige": (236, 222, 196),
    "pale blue": (190, 222, 244),
    "pale green": (198, 232, 200),
    "night": (34, 42, 78),
}
_PATTERN_TONES = {
    "gradient": ((244, 240, 250), (146, 150, 178)),
    "spotlight": ((252, 250, 238), (112, 116, 124)),
    "checkered": ((246, 246, 246), (206, 210, 214)),
    "striped": ((244, 240, 232), (204, 212, 206)),
    "grid": ((250, 250, 246), (158, 178, 200)),
    "speckled": ((236, 232, 228), (138, 132, 128)),
}


def paint_background(name: str, image_size: int, rng: random.Random) -> np.ndarray:
    """Returns a background as float32 (image_size, image_size, 3) in 0..255."""
    shade = rng.uniform(-5, 5)
    tint = np.array([shade + rng.uniform(-3, 3) for _ in range(3)], np.float32)
    if name in _PLAIN:
        colour = np.array(_PLAIN[name], np.float32) + tint
        return np.tile(colour, (image_size, image_size, 1))
    light, dark = (np.array(tone, np.float32) + tint for tone in _PATTERN_TONES[name])
    weight = _WEIGHTS[name](image_size, rng)
    return light + weight[:, :, None] * (dark - light)


@cache
def _steps(image_size: int) -> np.ndarray:
    return ((np.arange(image_size) + 0.5) / image_size).astype(np.float32)


def _gradient(image_size: int, rng: random.Random) -> np.ndarray:
    slope, steps = rng.uniform(-0.25, 0.25), _steps(image_size)
    return np.clip(steps[:, None] + slope * (steps[None, :] - 0.5), 0, 1)


def _spotlight(image_size: int, rng: random.Random) -> np.ndarray:
    x, y = rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58)
    steps = _steps(image_size)
    return np.clip(np.hypot(steps[:, None] - y, steps[None, :] - x) * 1.7 - 0.3, 0, 1)


def _wave(image_size: int, periods: float, phase: float) -> np.ndarray:
    """Returns a smooth square wave in 0..1 with edges one pixel wide."""
    position = (_steps(image_size) * periods + phase) % 1.0
    to_edge = np.abs(position - 0.5) - 0.25
    return np.clip(0.5 + to_edge * image_size / periods, 0, 1)


def _checkered(image_size: int, rng: random.Random) -> np.ndarray:
    rows, columns = (_wave(image_size, 4, rng.random()) for _ in range(2))
    return rows[:, None] + columns[None, :] - 2 * rows[:, None] * columns[None, :]


def _striped(image_size: int, rng: random.Random) -> np.ndarray:
    rows = _wave(image_size, 5, rng.random())
    return np.repeat(rows[:, None], image_size, axis=1)


def _grid(image_size: int, rng: random.Random) -> np.ndarray:
    pitch = image_size / 8
    lines = []
    for _ in range(2):
        offset = (_steps(image_size) * 8 + rng.random()) % 1.0
        lines.append(np.clip(0.5 + image_size / 128 - np.minimum(offset, 1 - offset) * pitch, 0, 1))
    return np.maximum(lines[0][:, None], lines[1][None, :])


@cache
def _noise(image_size: int) -> np.ndarray:
    """Returns one wrapped field of specks in 0..1, which every picture rolls to another place."""
    generator = np.random.default_rng(0)
    field = np.zeros((image_size, image_size), np.float32)
    steps = np.arange(image_size) + 0.5
    for _ in range(110):
        row, column = generator.uniform(0, image_size, 2)
        radius = generator.uniform(0.008, 0.016) * image_size
        gaps = [np.minimum(np.abs(steps - centre), image_size - np.abs(steps - centre)) for centre in (row, column)]
        cover = np.clip(0.5 + radius - np.hypot(gaps[0][:, None], gaps[1][None, :]), 0, 1)
        field = np.maximum(field, cover.astype(np.float32) * np.float32(generator.uniform(0.5, 1.0)))
    return field


def _speckled(image_size: int, rng: random.Random) -> np.ndarray:
    shift = int(rng.random() * image_size), int(rng.random() * image_size)
    return np.roll(_noise(image_size), shift, axis=(0, 1))


_WEIGHTS = {
    "gradient": _gradient,
    "spotlight": _spotlight,
    "checkered": _checkered,
    "striped": _striped,
    "grid": _grid,
    "speckled": _speckled,
}
