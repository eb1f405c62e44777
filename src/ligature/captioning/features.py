"""What a vision tower sees of images: features of a frozen one, computed once, or inputs of one that is trained."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.vision import split_views
from ligature.data.images import read_image
from ligature.errors import DataError

CHUNK = 16
"""Images whose features are computed together: always the same ones, so that they are the same to the last bit."""
VIEWS = 32
"""Most views that the tower computes at once without a graph."""
CACHE_BYTES = 4 << 30

Seen = tuple[Tensor, tuple[int, int]]
"""Features [v, T, d] or inputs [v, 3, h, w] of an image's views, with the rows and columns of its tiles."""


class ViewFeatures:
    """The views of images by row, ready for a connector where the tower is frozen, for the tower where it is trained.

    The images of the first rows, as many as surely fit, stay in memory once they have been asked for; the others are
    read every time. Where the tower has changed, nothing that was kept is used. May be used by several threads at once.

    Attributes:
        paths: of the images.
    """

    def __init__(
        self, model: VisionLanguageModel, paths: Sequence[str], *, cache_bytes: int = CACHE_BYTES, workers: int = 1
    ) -> None:
        """Takes a model and images.

        Args:
            model: whose tower and tiles are used.
            paths: of the images, as ``ligature.data.images.read_image`` takes them.
            cache_bytes: memory for what is kept.
            workers: threads that read and prepare images.
        """
        self.paths, self._cache_bytes, self._workers = list(paths), cache_bytes, workers
        self._tower, self._tiles = model.vision, model.config.chat.tiles
        self._kept: dict[int, Seen] = {}
        self._kept_of = self._state_of_tower()
        self._lock = Lock()

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.paths)

    @property
    def live(self) -> bool:
        """Whether the tower is trained, so that features are computed with a graph when they are used."""
        return self._tower.trained

    @property
    def kept_rows(self) -> int:
        """Images from the first on that stay in memory."""
        side, tokens = self._tower.side, self._tower.tokens
        elements = 3 * side * side if self.live else tokens * self._tower.width
        return min(len(self.paths), self._cache_bytes // (4 * elements * (self._tiles + 1)))

    def load(self, rows: Sequence[int] | np.ndarray) -> list[Seen]:
        """Returns what is seen of some images, on the CPU.

        Raises:
            DataError: naming an image that cannot be read.
        """
        rows, end = [int(row) for row in rows], self.kept_rows
        with self._lock:
            if self._kept_of != self._state_of_tower():
                self._kept, self._kept_of = {}, self._state_of_tower()
            for chunk in sorted({row // CHUNK for row in rows if row < end and row not in self._kept}):
                members = range(chunk * CHUNK, min((chunk + 1) * CHUNK, end))
                self._kept.update(zip(members, self._compute(members), strict=True))
            found = {row: self._kept[row] for row in rows if row < end}
        others = sorted({row for row in rows if row >= end})
        if others:
            found |= zip(others, self._compute(others), strict=True)
        return [found[row] for row in rows]

    def encode(self, values: Tensor) -> Tensor:
        """Returns features [N, T, d] of loaded views: the same ones, or the trained tower's, with their graph."""
        return self._tower(values) if self.live else values

    def inputs(self, row: int) -> Seen:
        """Returns the tower's input [v, 3, h, w] of an image, read anew, and the rows and columns of its tiles.

        Raises:
            DataError: naming the image if it cannot be read.
        """
        try:
            image = read_image(self.paths[row])[0]
        except ValueError as error:
            raise DataError(
                f"{self.paths[row]}: {error}; replace it or remove it from the data set, training needs every image"
            ) from error
        views = split_views(image, self._tiles, self._tower.side)
        return torch.stack([self._tower.preprocess(view) for view in views.images]), views.shape

    def _state_of_tower(self) -> tuple[bool, int]:
        """Returns what differs once kept values are of no use: PyTorch counts the changes of every weight."""
        return self.live, 0 if self.live else sum(weight._version for weight in self._tower.parameters())

    def _compute(self, rows: Sequence[int]) -> list[Seen]:
        with ThreadPoolExecutor(self._workers, thread_name_prefix="views") as threads:
            inputs = list(threads.map(self.inputs, rows))
        if self.live:
            return inputs
        with torch.no_grad():
            blocks = torch.cat([pixels for pixels, _ in inputs]).split(VIEWS)
            features = torch.cat([self._tower(block).float().cpu() for block in blocks])
        parts = features.split([len(pixels) for pixels, _ in inputs])
        return [(part, shape) for part, (_, shape) in zip(parts, inputs, strict=True)]
