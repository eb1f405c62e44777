"""Decoded images, kept in memory as far as they fit."""

from collections.abc import Sequence
from threading import Lock

from PIL import Image

from ligature.data.images import read_image
from ligature.errors import DataError

_BYTES_A_PIXEL = 4
"""Pillow keeps the three channels of a pixel in four bytes."""


class DecodedImages:
    """The images of paths in RGB; those that are asked for first stay in memory, until it is full.

    May be used by several threads at once.
    """

    def __init__(self, paths: Sequence[str], cache_bytes: int) -> None:
        """Takes paths, as ``ligature.data.images.read_image`` does, and the memory for decoded images."""
        self._paths, self._free = paths, cache_bytes
        self._kept: dict[int, Image.Image] = {}
        self._lock = Lock()

    def __getitem__(self, row: int) -> Image.Image:
        """Returns an image, which must not be changed.

        Raises:
            DataError: naming the file if it cannot be read.
        """
        image = self._kept.get(row)
        if image is None:
            image = self._decode(row)
            self._keep(row, image)
        return image

    def _decode(self, row: int) -> Image.Image:
        try:
            return read_image(self._paths[row])[0]
        except ValueError as error:
            raise DataError(
                f"{self._paths[row]}: {error}; replace it or remove it from the data set, training needs every image"
            ) from error

    def _keep(self, row: int, image: Image.Image) -> None:
        size = _BYTES_A_PIXEL * image.width * image.height
        with self._lock:
            if row not in self._kept and size <= self._free:
                self._kept[row] = image
                self._free -= size
