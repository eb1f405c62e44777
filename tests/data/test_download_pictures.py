"""What is stored of a picture: its own bytes where they will do, otherwise an upright JPEG of the wanted size."""

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ligature.data.download.pictures import prepare_picture
from ligature.data.images import decode_image
from ligature.data.perceptual import perceptual_hash


def encoded(size, kind, mode="RGB", **options):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 5, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def prepared(data, size=32, smallest=8):
    return prepare_picture(data, image_size=size, min_image_side=smallest)


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_a_small_picture_keeps_its_bytes(kind, extension):
    data = encoded((40, 32), kind)
    picture = prepared(data)
    assert (picture.data, picture.extension, picture.width, picture.height) == (data, extension, 40, 32)
    assert picture.sha256 == hashlib.sha256(data).hexdigest()[:32]
    assert picture.hash == perceptual_hash(decode_image(data)[0]).hex()


@pytest.mark.parametrize(("kind", "mode"), [("GIF", "P"), ("BMP", "RGB"), ("TIFF", "CMYK"), ("PPM", "L")])
def test_other_formats_become_jpeg_of_the_same_size(kind, mode):
    picture = prepared(encoded((20, 30), kind, mode))
    image, stored = decode_image(picture.data)
    assert (picture.extension, stored, image.size) == ("jpg", "JPEG", (20, 30))
    assert picture.hash == perceptual_hash(image).hex()


@given(st.integers(8, 120), st.integers(8, 120), st.integers(8, 60))
@settings(max_examples=25, deadline=None)
def test_the_shortest_side_is_at_most_the_wanted_one_and_the_shape_stays(width, height, size):
    picture = prepared(encoded((width, height), "PNG"), size)
    assert min(picture.width, picture.height) == min(size, width, height)
    scale = min(size / min(width, height), 1)
    assert abs(picture.width - width * scale) <= 0.5
    assert abs(picture.height - height * scale) <= 0.5
    assert decode_image(picture.data)[0].size == (picture.width, picture.height)


def test_a_shrunk_picture_stands_upright_and_carries_nothing_else():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = prepared(encoded((90, 60), "JPEG", exif=exif, comment=b"from the camera"))
    assert (picture.width, picture.height) == (32, 48)
    with Image.open(io.BytesIO(picture.data)) as stored:
        assert not stored.getexif()
        assert not {"comment", "icc_profile", "exif"} & set(stored.info)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty answer"),
        (b"<html>", "not an image"),
        (encoded((40, 7), "PNG"), r"too small \(40 x 7 pixels\)"),
        (encoded((40, 40), "JPEG")[:300], "broken image"),
    ],
)
def test_what_is_no_picture_has_a_reason(data, reason):
    with pytest.raises(ValueError, match=reason):
        prepared(data)
