"""Images that are captioned to be measured: those that can be read, with all their captions as references."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ligature.cli.captions import load_captions
from ligature.data.images import read_image
from ligature.errors import DataError
from ligature.progress import say, track
from ligature.store import Layout


@dataclass(frozen=True, eq=False)
class CaptionedImages:
    """Images of a data set with their references.

    Attributes:
        name: of the data set.
        split: of the original.
        ids: of the n images.
        paths: of the n images.
        contents: hash of the file of each image.
        references: all captions of each image.
    """

    name: str
    split: str
    ids: list[str]
    paths: list[str]
    contents: list[str]
    references: list[list[str]]

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.ids)

    @property
    def dataset(self) -> tuple[str, str]:
        """Name and split."""
        return self.name, self.split

    def first(self, count: int) -> "CaptionedImages":
        """Returns the first images, as many as there are up to ``count``."""
        names = ("ids", "paths", "contents", "references")
        return replace(self, **{name: getattr(self, name)[:count] for name in names})


def load_images(layout: Layout, name: str, *, max_failed: float, workers: int = 1) -> CaptionedImages:
    """Loads the images of a captioned data set that have captions; every one is decoded once, to see whether it can be.

    Args:
        layout: of the study.
        name: of the data set.
        max_failed: largest share of the images that may be unreadable; they are left out, counted and said.
        workers: threads that read and decode.

    Raises:
        DataError: when more cannot be read, naming the first, or none is left.
    """
    captions = load_captions(layout, name)
    paths = captions.images["path"].to_list()
    with ThreadPoolExecutor(workers) as threads:
        found = list(track(threads.map(_content, paths), f"read {name}", total=len(paths), unit="images"))
    failed = {path: reason for path, (_, reason) in zip(paths, found, strict=True) if reason}
    if failed:
        path, reason = next(iter(failed.items()))
        many = f"{len(failed):,} of {len(paths):,} images cannot be read"
        told = f"data set {name!r}: {many}, the first is {path} ({reason})"
        if len(failed) > max_failed * len(paths) or len(failed) == len(paths):
            raise DataError(f"{told}; replace them or raise captioning.max_failed")
        say(f"{told}; they are left out")
    references: list[list[str]] = [[] for _ in paths]
    for caption, image in zip(captions.captions, captions.image_of_text.tolist(), strict=True):
        references[image].append(caption)
    rows = [row for row, (_, reason) in enumerate(found) if not reason]
    return CaptionedImages(
        name=name,
        split=layout.study.datasets[name].split,
        ids=[captions.images["id"].iloc[row] for row in rows],
        paths=[paths[row] for row in rows],
        contents=[found[row][0] for row in rows],
        references=[references[row] for row in rows],
    )


def _content(path: str) -> tuple[str, str]:
    """Returns the hash of an image's file and nothing, or nothing and why it cannot be read."""
    try:
        return read_image(path)[1], ""
    except ValueError as error:
        return "", str(error)
