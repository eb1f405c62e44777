"""Views of an image: tiles at full detail, row by row, and then the whole."""

from dataclasses import dataclass
from math import ceil, isqrt

from PIL import Image


@dataclass(frozen=True)
class Views:
    """What a vision tower sees of one image.

    Attributes:
        images: RGB, the tiles row by row and then the whole.
        rows: of tiles; 0 where there is the whole alone.
        columns: of tiles; 0 where there is the whole alone.
    """

    images: list[Image.Image]
    rows: int
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return self.rows, self.columns


def split_views(image: Image.Image, most_tiles: int, side: int) -> Views:
    """Cuts an image into square tiles in the manner of SmolVLM (arXiv 2504.05299) and Idefics3.

    The image is resized, up or down, so that both sides are whole numbers of tiles; the last view is the whole image
    squeezed into one square. Where there is no grid the image itself is the only view. An encoder whose own steps crop,
    such as DINOv2's, sees every tile without its margin.

    Args:
        image: RGB.
        most_tiles: most tiles beside the whole; 0 for the whole alone.
        side: of a tile in pixels.
    """
    rows, columns = tile_grid(*image.size, most_tiles, side)
    if not rows:
        return Views([image], 0, 0)
    resized = image.resize((columns * side, rows * side), Image.Resampling.LANCZOS)
    corners = [(column * side, row * side) for row in range(rows) for column in range(columns)]
    tiles = [resized.crop((left, top, left + side, top + side)) for left, top in corners]
    return Views([*tiles, image.resize((side, side), Image.Resampling.LANCZOS)], rows, columns)


def tile_grid(width: int, height: int, most_tiles: int, side: int) -> tuple[int, int]:
    """Returns rows and columns of tiles for an image of ``width`` x ``height`` pixels; (0, 0) where one would be all.

    The longer side has as many tiles as the limit allows, up to its root, rounded up; the shorter side has as many as
    it begins at that scale. At a limit of 16 these are the tiles of SmolVLM's processor, whose longest edge is four.
    """
    longer, shorter = max(width, height), min(width, height)
    for count in range(isqrt(max(0, most_tiles - 1)) + 1, 1, -1):
        across = ceil(max(1, count * side * shorter // longer) / side)
        if count * across <= most_tiles:
            return (across, count) if width >= height else (count, across)
    return 0, 0
