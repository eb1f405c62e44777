"""Decoding one image within limits; a broken image gives a reason in a few words."""

import contextlib
import hashlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ligature.data.shards import member_path, read_bytes

MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000
MAX_ASPECT = 100
FORMATS = {"AVIF", "BMP", "GIF", "JPEG", "MPO", "PNG", "PPM", "TIFF", "WEBP"}
"""Formats that are read. Pillow knows others, and hands some of those (EPS) to programs outside."""
RAW = re.compile(r"(.+::\d{1,18}\+\d{1,18})!(\d{1,4})x(\d{1,4})", re.DOTALL)


def read_image(path: str) -> tuple[Image.Image, str]:
    """Reads and fully decodes an image within limits of size, turned upright by its EXIF orientation.

    Args:
        path: of a file, of a file inside a tar as ``ligature.data.shards.member_path`` returns it, or of raw pixels
            as ``raw_path`` returns it.

    Returns:
        The image in RGB and the SHA-256 of the file (32 hex digits).

    Raises:
        ValueError: with the reason in a few words.
    """
    raw, data = RAW.fullmatch(path), image_bytes(path)
    image = _raw_image(data, int(raw[2]), int(raw[3])) if raw else decode_image(data)[0]
    return image, short_sha256(data)


def image_bytes(path: str) -> bytes:
    """Returns the bytes of an image's file, or of raw pixels inside a file.

    Args:
        path: as ``read_image`` takes it.

    Raises:
        ValueError: with the reason in a few words.
    """
    raw = RAW.fullmatch(path)
    return read_bytes(raw[1] if raw else path, MAX_BYTES)


def raw_path(file: Path | str, offset: int, width: int, height: int) -> str:
    """Returns the path of raw pixels inside a file, ``file::offset+size!widthxheight``.

    Args:
        file: that holds them.
        offset: first byte; from there all red, then all green, then all blue values stand row by row, one byte each.
        width: in pixels.
        height: in pixels.
    """
    return f"{member_path(file, offset, 3 * width * height)}!{width}x{height}"


def decode_image(data: bytes) -> tuple[Image.Image, str]:
    """Fully decodes an image within limits of size, turned upright by its EXIF orientation.

    Returns:
        The image in RGB and the name of its file format, one of ``FORMATS``.

    Raises:
        ValueError: with the reason in a few words.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                _check_format_and_size(image)
                pixels, kind = image.convert("RGB"), image.format
        except UnidentifiedImageError:
            raise ValueError("not an image") from None
        except _RefusedError:
            raise
        except Exception as error:  # what Pillow's decoders raise on broken files is of every kind
            raise ValueError(f"broken image ({' '.join(str(error).split())[:80]})") from error
        with contextlib.suppress(Exception):  # a broken EXIF block says nothing of the orientation
            ImageOps.exif_transpose(pixels, in_place=True)
    return pixels, kind


def short_sha256(data: bytes) -> str:
    """Returns the first 32 hex digits of the SHA-256."""
    return hashlib.sha256(data).hexdigest()[:32]


def _raw_image(data: bytes, width: int, height: int) -> Image.Image:
    if not data or len(data) != 3 * width * height:
        raise ValueError(f"not the pixels of a picture of {width} x {height}")
    planes = np.frombuffer(data, np.uint8).reshape(3, height, width)
    return Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0)))


class _RefusedError(ValueError):
    """An image that could be decoded, but is not wanted."""


def _check_format_and_size(image: Image.Image) -> None:
    if image.format not in FORMATS:
        raise _RefusedError(f"format {image.format} is not read")
    if image.width * image.height > MAX_PIXELS:
        raise _RefusedError(f"more than {MAX_PIXELS:,} pixels")
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise _RefusedError(f"sides above {MAX_ASPECT} : 1")
