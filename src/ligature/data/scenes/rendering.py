"""Pictures and masks of scenes, anti-aliased from signed distances."""

import colorsys
import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ligature.data.scenes.backgrounds import paint_background
from ligature.data.scenes.distance import EXTENT, RESOLUTION, distance_table
from ligature.data.scenes.layout import centre
from ligature.data.scenes.scene import Scene, SceneObject
from ligature.data.scenes.vocabulary import COLOURS, SHAPES, SIZES, VOID

HALO = 0.02
"""Width of the white rim around every object, as a fraction of the image side."""

TINT = 0.15
"""Share of the object's colour in the pale parts of a patterned fill; the rest is white."""

_VOID = 0.012
_SHIFT = 0.012


@dataclass(frozen=True)
class Placement:
    """Where and how one object is drawn: centre and radius in pixels, angle in radians, sRGB colour."""

    item: SceneObject
    x: float
    y: float
    radius: float
    angle: float
    colour: tuple[float, float, float]


def placements(scene: Scene, image_size: int) -> tuple[Placement, ...]:
    """Returns how every object of ``scene`` is drawn; the jitter comes from ``scene.variation``."""
    return place_all(scene, image_size, random.Random(scene.variation))


def place_all(scene: Scene, image_size: int, rng: random.Random) -> tuple[Placement, ...]:
    """Returns how every object of ``scene`` is drawn, with the jitter that ``rng`` gives next."""
    return tuple(_place(item, image_size, rng) for item in scene.objects)


def render(scene: Scene, image_size: int) -> np.ndarray:
    """Returns the picture of a scene as uint8 (image_size, image_size, 3)."""
    rng = random.Random(scene.variation)
    placed = place_all(scene, image_size, rng)
    canvas = paint_background(scene.background, image_size, rng)
    for placement in placed:
        _draw(canvas, placement, image_size)
    return np.clip(canvas + 0.5, 0, 255).astype(np.uint8)


def mask(scene: Scene, image_size: int) -> np.ndarray:
    """Returns the semantic mask as uint8 (image_size, image_size).

    0 is background, 1 + the position in ``SHAPES`` an object, ``VOID`` the border of an object.
    """
    result = np.zeros((image_size, image_size), np.uint8)
    for placement in placements(scene, image_size):
        rows, columns, far = _distances(placement, image_size)
        area = result[rows, columns]
        area[far < 0] = SHAPES.index(placement.item.shape) + 1
        area[np.abs(far) < _VOID * image_size] = VOID
    return result


def _place(item: SceneObject, image_size: int, rng: random.Random) -> Placement:
    x, y = (position + rng.uniform(-_SHIFT, _SHIFT) for position in centre(item.size, item.place))
    radius = SIZES[item.size] * rng.uniform(0.96, 1.04)
    angle = rng.uniform(-0.12, 0.12)
    colour = _vary(COLOURS[item.colour], rng)
    return Placement(item, x * image_size, y * image_size, radius * image_size, angle, colour)


def _vary(colour: tuple[int, int, int], rng: random.Random) -> tuple[float, float, float]:
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    hue = (hue + rng.uniform(-0.012, 0.012)) % 1.0
    value = min(value * rng.uniform(0.94, 1.05), 1.0)
    red, green, blue = colorsys.hsv_to_rgb(hue, min(saturation * rng.uniform(0.94, 1.05), 1.0), value)
    return red * 255, green * 255, blue * 255


def _distances(placement: Placement, image_size: int) -> tuple[slice, slice, np.ndarray]:
    """Returns the window around an object and the signed distance, in pixels, of its every pixel."""
    reach = placement.radius * 1.3 + 2
    left, top = (max(math.floor(centre - reach), 0) for centre in (placement.x, placement.y))
    right, bottom = (min(math.ceil(centre + reach), image_size) for centre in (placement.x, placement.y))
    scale = RESOLUTION / (2 * EXTENT)
    cos, sin = (f(placement.angle) / placement.radius * scale for f in (math.cos, math.sin))
    x, y = left - placement.x, top - placement.y
    middle = EXTENT * scale
    affine = (cos, sin, cos * x + sin * y + middle, -sin, cos, cos * y - sin * x + middle)
    table = distance_table(placement.item.shape)
    window = table.transform(
        (right - left, bottom - top), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR, fillcolor=1.0
    )
    return slice(top, bottom), slice(left, right), np.asarray(window) * placement.radius


def _draw(canvas: np.ndarray, placement: Placement, image_size: int) -> None:
    rows, columns, far = _distances(placement, image_size)
    area = canvas[rows, columns]
    halo = np.clip(0.5 + HALO * image_size - far, 0, 1)[:, :, None]
    area += halo * (252 - area)
    colour = np.array(placement.colour, np.float32)
    inside = np.clip(0.5 - far, 0, 1)[:, :, None]
    if placement.item.fill == "solid":
        area += inside * (colour - area)
        return
    pale = 255 + TINT * (colour - 255)
    weight = _fill_weight(placement, rows, columns, far, image_size)[:, :, None]
    area += inside * (pale + weight * (colour - pale) - area)


def _fill_weight(p: Placement, rows: slice, columns: slice, far: np.ndarray, image_size: int) -> np.ndarray:
    """Returns the share of full colour in every pixel; the rest is a pale tint of it."""
    edge = (0.1 * p.radius + 0.012 * image_size) if p.item.fill == "outlined" else 0.006 * image_size
    stroke = np.clip(0.5 + far + edge, 0, 1)
    if p.item.fill == "outlined":
        return stroke
    pitch = 0.03 * image_size + 0.26 * p.radius
    u, v = _pattern_axes(p, rows, columns, pitch)
    if p.item.fill == "striped":
        pattern = np.clip(0.5 + (0.28 - np.abs(u % 1.0 - 0.5)) * pitch, 0, 1)
    else:
        to_dot = np.hypot(u % 1.0 - 0.5, v % 1.0 - 0.5)
        pattern = np.clip(0.5 + (to_dot - 0.3) * pitch, 0, 1)
    return np.maximum(pattern, stroke)


def _pattern_axes(p: Placement, rows: slice, columns: slice, pitch: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns pattern coordinates turned by 45 degrees against the object, in units of ``pitch``."""
    x = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5 - p.x) / pitch
    y = (np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + 0.5 - p.y) / pitch
    cos, sin = math.cos(p.angle + math.pi / 4), math.sin(p.angle + math.pi / 4)
    return cos * x + sin * y + 0.5, cos * y - sin * x + 0.5
