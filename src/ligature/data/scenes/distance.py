"""Shapes as signed distance fields: negative inside, positive outside, tabulated once for each shape.

Coordinates are in units of the object's radius, with y pointing down, in the square from -EXTENT to EXTENT.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image

EXTENT = 1.5
RESOLUTION = 240


def polygon_distance(points: Sequence[tuple[float, float]], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the signed distance of every (x, y) to a closed polygon; same shape as ``x``."""
    squared = np.full(x.shape, np.inf)
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        squared = np.minimum(squared, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2)
        if dy:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * dx / dy)
    return np.where(inside, -1, 1) * np.sqrt(squared)


def distance(shape: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the signed distance of every (x, y) to a shape of radius about one."""
    if shape == "circle":
        return np.hypot(x, y) - 0.94
    if shape == "ring":
        return np.abs(np.hypot(x, y) - 0.72) - 0.29
    if shape == "crescent":
        return np.maximum(np.hypot(x, y) - 1.0, 0.80 - np.hypot(x - 0.54, y + 0.16))
    return polygon_distance(_outline(shape), x, y)


@cache
def distance_table(shape: str) -> Image.Image:
    """Returns the distances of a shape on a fine grid, as a float image to be rotated and resampled."""
    steps = (np.arange(RESOLUTION) + 0.5) * (2 * EXTENT / RESOLUTION) - EXTENT
    x, y = np.meshgrid(steps, steps)
    return Image.fromarray(distance(shape, x, y).astype(np.float32))


def _outline(shape: str) -> list[tuple[float, float]]:
    match shape:
        case "square":
            return _regular(4, 1.1, turn=0.125)
        case "triangle":
            return [(x, y + 0.15) for x, y in _regular(3, 1.06)]
        case "pentagon":
            return [(x, y + 0.05) for x, y in _regular(5, 1.03)]
        case "hexagon":
            return _regular(6, 1.02, turn=1 / 12)
        case "diamond":
            return [(0, -1.08), (0.74, 0), (0, 1.08), (-0.74, 0)]
        case "star":
            return [(x, y + 0.05) for x, y in _star(5, 1.1, 0.5)]
        case "cross":
            return _cross(1.02, 0.36)
        case "arrow":
            return [(-1.04, -0.32), (0.1, -0.32), (0.1, -0.82), (1.06, 0), (0.1, 0.82), (0.1, 0.32), (-1.04, 0.32)]
        case "heart":
            return _heart(56)
    raise KeyError(shape)


def _regular(corners: int, radius: float, turn: float = 0.0) -> list[tuple[float, float]]:
    angles = 2 * np.pi * (np.arange(corners) / corners + turn)
    return [(radius * float(np.sin(a)), -radius * float(np.cos(a))) for a in angles]


def _star(tips: int, outer: float, inner: float) -> list[tuple[float, float]]:
    pairs = zip(_regular(tips, outer), _regular(tips, inner, turn=0.5 / tips), strict=True)
    return [point for pair in pairs for point in pair]


def _cross(reach: float, half: float) -> list[tuple[float, float]]:
    quarter = [(half, -reach), (half, -half), (reach, -half)]
    points: list[tuple[float, float]] = []
    for _ in range(4):
        points += quarter
        quarter = [(-y, x) for x, y in quarter]
    return points


def _heart(steps: int) -> list[tuple[float, float]]:
    t = 2 * np.pi * np.arange(steps) / steps
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [(float(a) / 16.4, float(-b - 2.4) / 16.0) for a, b in zip(x, y, strict=True)]
