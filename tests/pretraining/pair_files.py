"""Small pairs with real files: pictures of random colours, their captions and semantic vectors."""

from pathlib import Path

import numpy as np
from PIL import Image

from ligature.data.mixture import Mixture
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer, train_tokenizer
from ligature.pretraining.pairs import ImageTextPairs
from ligature.store.rows import Rows

COLOURS = ("red", "green", "blue", "grey")


def write_pictures(folder: Path, count: int, side: int = 12) -> list[str]:
    """Writes PNG files of random pixels, ``side`` high and of several widths, and returns their paths."""
    generator, paths = np.random.default_rng(0), []
    for row in range(count):
        pixels = generator.integers(0, 256, (side, side + row % 3, 3), dtype=np.uint8)
        paths.append(str(folder / f"{row}.png"))
        Image.fromarray(pixels).save(paths[-1])
    return paths


def make_pairs(
    paths: list[str],
    *,
    captions: int = 2,
    semantics: Rows | np.ndarray | None = None,
    mixture: Mixture | None = None,
) -> ImageTextPairs:
    """Returns pairs with so many captions an image, of several lengths."""
    owner = np.repeat(np.arange(len(paths)), captions)
    texts = [f"{'very ' * (row % 4)}{COLOURS[image % 4]} picture {image}" for row, image in enumerate(owner.tolist())]
    ids = [f"id-{row}" for row in range(len(paths))]
    return ImageTextPairs(paths, ids, texts, owner, semantics, "known", mixture)


def make_tokenizer(pairs: ImageTextPairs, context_length: int = 16) -> CaptionTokenizer:
    """Returns a tokenizer that is trained on the captions."""
    return train_tokenizer(pairs.captions, 280, context_length)
