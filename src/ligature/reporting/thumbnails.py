"""Pictures for the page: decoded, made small and encoded again, so that no foreign byte gets through."""

import base64
import io
from pathlib import Path

from ligature.data.images import RAW, read_image
from ligature.data.shards import read_bytes, split_member

SIDE = 160
MOST_BYTES = 64 * 2**20
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


def thumbnail(path: Path | str) -> str | None:
    """Returns the image as a data URI of a JPEG of at most ``SIDE`` pixels; None where it cannot be decoded.

    The path is that of a file, of a file inside a tar as ``ligature.data.shards`` names it, or of raw pixels. Decoders
    raise almost anything on files made to break them, so every error counts as a broken image.
    """
    from PIL import Image, ImageOps

    try:
        if not Path(split_member(str(path))[0]).is_file():
            return None
        if RAW.fullmatch(str(path)):
            picture = read_image(str(path))[0].convert("RGBA")
        else:
            content = io.BytesIO(read_bytes(str(path), MOST_BYTES))
            with Image.open(content, formats=FORMATS) as image:
                image.draft("RGB", (SIDE, SIDE))
                picture = ImageOps.exif_transpose(image).convert("RGBA")
    except Exception:
        return None
    picture.thumbnail((SIDE, SIDE))
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    encoded = io.BytesIO()
    ground.save(encoded, format="JPEG", quality=82)
    return data_uri("image/jpeg", encoded.getvalue())


def data_uri(media_type: str, content: bytes) -> str:
    """Returns ``content`` as a data URI."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
