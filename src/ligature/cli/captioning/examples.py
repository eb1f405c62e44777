"""Examples in front of an image: pairs of the training, never the image itself."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np

from ligature.captioning import CaptionData
from ligature.cli.captions import hash_image
from ligature.errors import DataError

Example = tuple[int, int]
"""Image row and caption row in the data of a training."""


def draw_examples(
    data: CaptionData, ids: Sequence[str], contents: Sequence[str], count: int, seed: int
) -> list[list[Example]]:
    """Draws examples for every image, each a different image of the training with one of its captions.

    A training image with the same id or the same file contents is never an example. Only the files of images that
    are drawn are read.

    Args:
        data: the training pairs.
        ids: of the images that examples are for.
        contents: hash of the file of each of them, as ``ligature.cli.captions.hash_image`` gives it.
        count: examples an image.
        seed: of the draws.

    Returns:
        ``count`` examples an image, in the order of ``ids``.

    Raises:
        DataError: when too few training images are left for an image, which it names, or one cannot be read.
    """
    captions: defaultdict[int, list[int]] = defaultdict(list)
    for text, image in enumerate(data.image_of_text.tolist()):
        captions[image].append(text)

    @cache
    def content_of(row: int) -> str:
        return hash_image(data.paths[row])

    drawn = []
    for number, (id_, content) in enumerate(zip(ids, contents, strict=True)):
        generator, examples = np.random.default_rng([seed, number]), []
        for row in generator.permutation(len(data)).tolist():
            if len(examples) == count:
                break
            if data.image_ids[row] != id_ and content_of(row) != content:
                examples.append((row, captions[row][generator.integers(len(captions[row]))]))
        if len(examples) < count:
            raise DataError(f"image {id_!r}: {len(examples)} other training images for {count} examples; lower shots")
        drawn.append(examples)
    return drawn
