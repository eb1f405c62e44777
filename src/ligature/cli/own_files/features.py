"""Own files and their anchors under the two encoders of a study."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ligature.cli.own_files.anchors import Anchors
from ligature.cli.own_files.encoding import EncodedFiles, encode_files, encode_texts, pooled_images
from ligature.cli.own_files.fitting import Features
from ligature.cli.own_files.folder import ImageFolder, say_left_out
from ligature.cli.pairs import chosen_pair
from ligature.encoders import find_encoder, load_text_encoder, load_vision_encoder
from ligature.encoders.source import EncoderParams
from ligature.errors import DataError, EncoderError
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams
from ligature.store import Layout

KINDS = {"vision": VisionEncoderParams, "text": TextEncoderParams}


@dataclass(frozen=True)
class OwnFeatures:
    """Images and texts as two frozen encoders see them, one pooled vector each.

    Attributes:
        files: the images that could be read, and their vectors.
        texts: vector of every text.
        encoders: identities, by ``vision`` and ``text``.
    """

    files: EncodedFiles
    texts: dict[str, np.ndarray]
    encoders: dict[str, dict[str, Any]]

    def base(self, anchors: Anchors) -> Features:
        """Returns the features of anchors; several captions of an image are averaged.

        Raises:
            DataError: naming the row of an image that cannot be read.
        """
        for name in anchors.images:
            if name in self.files.broken:
                reason = self.files.broken[name]
                raise DataError(f"{anchors.place(name)}: {name!r}: {reason}; replace the image or remove the row")
        means = [np.mean(self.of(texts), axis=0) for texts in anchors.captions]
        return Features(self.files.of(anchors.images).astype(np.float64), np.stack(means))

    def first_captions(self, anchors: Anchors) -> np.ndarray:
        """Returns the vector of the first caption of every anchor, [m, d] float64."""
        return self.of([texts[0] for texts in anchors.captions])

    def of(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of texts, [n, d] float64."""
        return np.stack([self.texts[text] for text in texts]).astype(np.float64)


def choose_encoders(layout: Layout, vision: str | None, text: str | None) -> dict[str, str]:
    """Returns the names of both encoders: those given, or the pair that the study chose.

    Raises:
        DataError: one of the two is missing, or nothing is chosen yet.
        EncoderError: a name is unknown, or of an encoder of the other kind.
    """
    if (vision is None) != (text is None):
        raise DataError("--vision and --text go together; give both, or none for the pair that the study chose")
    names = chosen_pair(layout) if vision is None else (vision, text)
    for side, name in zip(KINDS, names, strict=True):
        find_entry(layout, name, side)
    return dict(zip(KINDS, names, strict=True))


def find_entry(layout: Layout, name: str, side: str) -> EncoderParams:
    """Returns the registry entry of a vision or text encoder.

    Raises:
        EncoderError: the name is unknown, or of an encoder of the other side.
    """
    entry = find_encoder(layout, name)
    if not isinstance(entry, KINDS[side]):
        known = ", ".join(other.name for other in getattr(layout.study.encoders, side))
        raise EncoderError(f"encoder {name!r} is no {side} encoder; the study has {known}")
    return entry


def encode_own(
    layout: Layout, names: dict[str, str], found: ImageFolder, texts: Iterable[str], *, workers: int, device: str
) -> OwnFeatures:
    """Encodes the images of a folder and texts, and tells which images are left out.

    Args:
        layout: of the study.
        names: of the encoders, by ``vision`` and ``text``.
        found: the images.
        texts: the texts.
        workers: processes that decode images.
        device: where the encoders run.
    """
    settings = layout.study.embed
    text = load_text_encoder(find_encoder(layout, names["text"]), layout, device=device)
    vision = load_vision_encoder(find_encoder(layout, names["vision"]), layout, device=device)
    vectors = encode_texts(text, texts, settings.token_budget)
    files = encode_files(
        found, vision.preprocess, pooled_images(vision), batch_size=settings.image_batch, workers=workers
    )
    say_left_out(found, files.broken)
    return OwnFeatures(files, vectors, {"vision": vision.identity, "text": text.identity})
