"""From the bytes that arrived to the picture that is stored: checked, at most so large, and measured."""

import io
from dataclasses import dataclass

from PIL import Image

from ligature.data.images import decode_image, short_sha256
from ligature.data.perceptual import perceptual_hash

JPEG_QUALITY = 95
EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
"""Formats that are stored as they came; the others become JPEG."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is stored.

    Attributes:
        data: the file's bytes.
        extension: of the file's name.
        width: in pixels, upright.
        height: in pixels, upright.
        sha256: of the bytes, first 32 hex digits.
        hash: perceptual, 48 hex digits.
    """

    data: bytes
    extension: str
    width: int
    height: int
    sha256: str
    hash: str


def prepare_picture(data: bytes, *, image_size: int, min_image_side: int) -> Picture:
    """Checks what arrived and shrinks it until its shortest side is ``image_size``.

    A picture that is small enough and in a common format keeps its bytes; all others become upright JPEG.

    Raises:
        ValueError: with the reason in a few words.
    """
    if not data:
        raise ValueError("empty answer")
    image, kind = decode_image(data)
    if min(image.size) < min_image_side:
        raise ValueError(f"too small ({image.width} x {image.height} pixels)")
    if min(image.size) > image_size or kind not in EXTENSIONS:
        data, kind = _as_jpeg(_shrunk(image, image_size)), "JPEG"
        image, _ = decode_image(data)
    fingerprint = perceptual_hash(image).hex()
    return Picture(data, EXTENSIONS[kind], image.width, image.height, short_sha256(data), fingerprint)


def _shrunk(image: Image.Image, image_size: int) -> Image.Image:
    scale = image_size / min(image.size)
    if scale >= 1:
        return image
    return image.resize([max(round(side * scale), 1) for side in image.size], Image.Resampling.BICUBIC)


def _as_jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.info.clear()  # comments and profiles of the original
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
