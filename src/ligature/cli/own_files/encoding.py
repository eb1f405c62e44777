"""Images and texts of a user's own through frozen encoders, in batches, held in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import torch
from torch import Tensor

from ligature.cli.own_files.folder import ImageFolder
from ligature.encoders import TextEncoder, VisionEncoder
from ligature.encoders.extract_texts import length_batches
from ligature.encoders.images import decoded_batches
from ligature.encoders.preprocessing import Preprocess
from ligature.errors import DataError, EncoderError
from ligature.progress import Progress, say


@dataclass(frozen=True)
class EncodedFiles:
    """What became of image files.

    Attributes:
        names: of those that could be read.
        vectors: [n, d] float32, one a name.
        broken: names of the others, with the reason.
    """

    names: list[str]
    vectors: np.ndarray
    broken: dict[str, str]

    def of(self, names: Sequence[str]) -> np.ndarray:
        """Returns the vectors of some of the names, [n, d]."""
        rows = {name: row for row, name in enumerate(self.names)}
        return self.vectors[[rows[name] for name in names]]


def pooled_images(encoder: VisionEncoder) -> Callable[[Tensor], Tensor]:
    """Returns the function from pixels to one vector an image, as the stores of a study hold it."""

    def forward(pixels: Tensor) -> Tensor:
        try:
            return encoder.forward(pixels).pooled(encoder.pooling)
        except EncoderError as error:
            raise EncoderError(f"encoder {encoder.name!r}: {error}") from None

    return forward


def encode_files(
    found: ImageFolder,
    preprocess: Preprocess,
    forward: Callable[[Tensor], Tensor],
    *,
    batch_size: int,
    workers: int = 0,
) -> EncodedFiles:
    """Encodes image files; one that cannot be read is left out with its reason.

    Args:
        found: the images.
        preprocess: from an image to pixels.
        forward: from pixels [b, 3, h, w] to vectors [b, d].
        batch_size: images a forward pass.
        workers: processes that decode ahead.

    Raises:
        DataError: none can be read.
    """
    names, reasons, vectors = found.names, [], []
    paths = [str(found.folder / name) for name in names]
    with Progress("encode images", len(names), "images") as progress, torch.inference_mode():
        for facts, pixels in decoded_batches(paths, preprocess, batch_size=batch_size, workers=workers):
            reasons += [fact.reason for fact in facts]
            if pixels is not None:
                vectors.append(forward(pixels).float().cpu().numpy())
            progress.update(len(facts))
    broken = {name: reason for name, reason in zip(names, reasons, strict=True) if reason}
    if not vectors:
        raise DataError(
            f"{found.folder}: none of {len(names)} images can be read, the first is {names[0]!r} ({reasons[0]}); "
            "name another folder"
        )
    kept = compress(names, (not reason for reason in reasons))
    return EncodedFiles(list(kept), np.concatenate(vectors), broken)


def encode_texts(encoder: TextEncoder, texts: Iterable[str], token_budget: int) -> dict[str, np.ndarray]:
    """Returns the vector [d] float32 of every distinct text, encoded in batches of similar length.

    Args:
        encoder: the text encoder.
        texts: at least one, in any order and number.
        token_budget: tokens a forward pass, padding included.
    """
    distinct = sorted(set(texts))
    lengths, limit = encoder.token_lengths(distinct), encoder.max_length
    vectors: dict[str, np.ndarray] = {}
    with Progress("encode texts", len(distinct), "texts") as progress, torch.inference_mode():
        for batch in length_batches(lengths, limit, token_budget):
            chosen = [distinct[index] for index in batch]
            vectors |= zip(chosen, encoder.forward(chosen).pooled.float().cpu().numpy(), strict=True)
            progress.update(len(chosen))
    cut = sum(length > limit for length in lengths) if limit else 0
    if cut:
        say(f"encoder {encoder.name!r}: {cut:,} texts above {limit} tokens were cut, the longest has {max(lengths)}")
    return vectors
