"""What is to be matched: the images and captions that are left when the anchors are taken out."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from ligature.cli.own_files.anchors import Anchors, read_anchors
from ligature.cli.own_files.captions import CaptionLines, read_captions
from ligature.cli.own_files.folder import ImageFolder, list_images
from ligature.errors import DataError

MAX_SCORES = 100_000_000
"""Pairs of images and captions that are scored: 0.8 GB a matrix, and hours of one-to-one matching."""


@dataclass(frozen=True)
class Task:
    """What is to be matched.

    Attributes:
        found: the images there are.
        anchors: known pairs.
        images: names of the images that are no anchors.
        captions: those that are no caption of an anchor.
        known_lines: number of lines that are.
    """

    found: ImageFolder
    anchors: Anchors
    images: list[str]
    captions: CaptionLines
    known_lines: int

    def without(self, broken: Collection[str]) -> "Task":
        """Returns the task without images that cannot be read.

        Raises:
            DataError: none is left.
        """
        left = [name for name in self.images if name not in broken]
        if not left:
            raise DataError(f"{self.found.folder}: no image but the anchors can be read; there is nothing to match")
        return replace(self, images=left)


def read_task(images: Path, captions: Path, anchors: Path) -> Task:
    """Reads folder, captions and anchors.

    Args:
        images: folder.
        captions: file of one caption a line.
        anchors: csv of known pairs.

    Raises:
        DataError: something is missing or broken, nothing is left to match, or too much.
    """
    found = list_images(images)
    known, lines = read_anchors(anchors, found), read_captions(captions)
    texts = known.texts()
    left = [name for name in found.names if name not in known.rows]
    kept = [(text, line) for text, line in zip(lines.texts, lines.lines, strict=True) if text not in texts]
    if not left:
        raise DataError(f"{images}: all {len(found.names)} images are anchors; there is nothing to match")
    if not kept:
        raise DataError(f"{captions}: all {len(lines.texts)} captions are those of anchors; there is nothing to match")
    if len(left) * len(kept) > MAX_SCORES:
        raise DataError(f"{len(left):,} images and {len(kept):,} captions are too many to match at once; split them")
    own = CaptionLines(*map(list, zip(*kept, strict=True)), lines.empty)
    return Task(found, known, left, own, len(lines.texts) - len(kept))
