"""Rendering of procedural scenes against plain supersampling."""

import random

import numpy as np

from harness import Row, best_of
from ligature.data.scenes import Scene, render, sample_scene
from ligature.data.scenes.backgrounds import paint_background
from ligature.data.scenes.distance import distance
from ligature.data.scenes.rendering import HALO, TINT, Placement, place_all

OVERSAMPLING = 4


def run() -> list[Row]:
    rng = np.random.default_rng(0)
    scenes = [sample_scene(rng) for _ in range(1000)]
    return [_compare(scenes, 40, 64, target=20.0), _compare(scenes[:100], 4, 224, target=20.0)]


def _compare(scenes: list[Scene], plain_count: int, image_size: int, target: float) -> Row:
    """Times all scenes with the project's renderer and the first few with the plain one."""
    for scene in scenes:
        render(scene, image_size)
    fast, pictures = best_of(lambda: [render(scene, image_size) for scene in scenes])
    plain, expected = best_of(lambda: [_plain_render(scene, image_size) for scene in scenes[:plain_count]], 2)
    gaps = [float(np.abs(a.astype(float) - b).mean()) for a, b in zip(pictures, expected, strict=False)]
    fast, plain = fast / len(scenes), plain / plain_count
    note = f"{1 / fast:,.0f} images/s, plain {1 / plain:,.1f}; difference: mean of all pixels, in 255ths"
    return Row(f"scenes: render at {image_size} px", plain, fast, target, sum(gaps) / len(gaps), note)


def _plain_render(scene: Scene, image_size: int) -> np.ndarray:
    """Every object's exact distance at every sub-pixel of the whole picture, hard edges, then the mean."""
    side = image_size * OVERSAMPLING
    rng = random.Random(scene.variation)
    placed = place_all(scene, side, rng)
    canvas = paint_background(scene.background, side, rng)
    steps = np.arange(side) + 0.5
    for p in placed:
        x, y = np.meshgrid((steps - p.x) / p.radius, (steps - p.y) / p.radius)
        cos, sin = np.cos(p.angle), np.sin(p.angle)
        u, v = cos * x + sin * y, cos * y - sin * x
        far = distance(p.item.shape, u, v) * p.radius
        colour = np.array(p.colour)
        strong = _plain_fill(p, u, v, far, side)[:, :, None]
        canvas[far < HALO * side] = 252
        canvas[far < 0] = np.where(strong, colour, 255 + TINT * (colour - 255))[far < 0]
    means = canvas.reshape(image_size, OVERSAMPLING, image_size, OVERSAMPLING, 3).mean((1, 3))
    return np.clip(means + 0.5, 0, 255).astype(np.uint8)


def _plain_fill(p: Placement, u: np.ndarray, v: np.ndarray, far: np.ndarray, side: int) -> np.ndarray:
    if p.item.fill == "solid":
        return np.ones_like(far, bool)
    if p.item.fill == "outlined":
        return far > -(0.1 * p.radius + 0.012 * side)
    pitch = (0.03 * side + 0.26 * p.radius) / p.radius * np.sqrt(2)
    one, other = ((u + v) / pitch + 0.5) % 1 - 0.5, ((v - u) / pitch + 0.5) % 1 - 0.5
    pattern = np.abs(one) < 0.28 if p.item.fill == "striped" else np.hypot(one, other) > 0.3
    return pattern | (far > -0.006 * side)
