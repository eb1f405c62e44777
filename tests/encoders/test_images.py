"""Reading image files: every kind that is used, every kind that is refused, and why."""

import hashlib
import io
import os
import struct
import tarfile
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from tiny_models import picture

from ligature.data import images
from ligature.data.shards import member_path
from ligature.encoders.images import decoded_batches, read_image

COLOUR = (200, 40, 90)


def encoded(image, kind="JPEG", **keywords):
    buffer = io.BytesIO()
    image.save(buffer, kind, **keywords)
    return buffer.getvalue()


@pytest.fixture
def write(tmp_path):
    def to_file(data, name="image"):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return to_file


def reason(path):
    with pytest.raises(ValueError, match=r".") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 110
    return str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_common_formats(kind, write):
    data = encoded(Image.new("RGB", (30, 20), COLOUR), kind)
    image, sha256 = read_image(write(data))
    assert (image.mode, image.size) == ("RGB", (30, 20))
    np.testing.assert_allclose(np.asarray(image)[5, 5], COLOUR, atol=6)
    assert sha256 == hashlib.sha256(data).hexdigest()[:32]


@pytest.mark.parametrize(
    ("mode", "colour", "kind", "expected"),
    [
        ("L", 77, "JPEG", (77, 77, 77)),
        ("1", 1, "PNG", (255, 255, 255)),
        ("LA", (77, 10), "PNG", (77, 77, 77)),
        ("RGBA", (*COLOUR, 128), "PNG", COLOUR),
        ("CMYK", (0, 255, 255, 0), "JPEG", (255, 0, 0)),
        ("YCbCr", (150, 128, 128), "JPEG", (150, 150, 150)),
    ],
)
def test_every_colour_mode_becomes_rgb(mode, colour, kind, expected, write):
    image, _ = read_image(write(encoded(Image.new(mode, (16, 16), colour), kind)))
    assert image.mode == "RGB"
    np.testing.assert_allclose(np.asarray(image)[8, 8], expected, atol=4)


@pytest.mark.parametrize("transparency", [None, 0, b"\x00\x80\xff"])
def test_palettes_with_and_without_transparency(transparency, write):
    image = picture(3).quantize(8)
    keywords = {} if transparency is None else {"transparency": transparency}
    read, _ = read_image(write(encoded(image, "PNG", **keywords)))
    np.testing.assert_array_equal(np.asarray(read), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_image_upright(orientation, write):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(1, (24, 16)), "JPEG", quality=95, exif=exif)
    upright, _ = read_image(write(data))
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert upright.size == ((24, 16) if orientation < 5 else (16, 24))
    np.testing.assert_array_equal(np.asarray(upright), np.asarray(expected))


@pytest.mark.parametrize("header", [b"no TIFF*", b"MM\0*\xff\xff\xff\xff"])
def test_a_broken_exif_block_does_not_cost_the_image(header, write):
    clean = encoded(picture(1), "JPEG")
    block = b"Exif\0\0" + header + b"\xff" * 30
    broken = clean[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + clean[2:]
    np.testing.assert_array_equal(np.asarray(read_image(write(broken))[0]), np.asarray(read_image(write(clean))[0]))


def test_what_cannot_be_read(write, tmp_path):
    assert reason(str(tmp_path / "none.jpg")) == "missing file"
    assert reason(str(tmp_path)) == "unreadable file (Is a directory)"
    assert reason(write(b"")) == "not an image"
    assert reason(write(b"<html>Not found</html>")) == "not an image"
    data = encoded(picture(2, (200, 200)))
    assert reason(write(data[: len(data) // 2])).startswith("broken image (image file is truncated")
    assert reason(write(encoded(picture(2), "PNG")[:-30])).startswith("broken image (")


def test_limits(write, monkeypatch):
    path = write(b"")
    os.truncate(path, images.MAX_BYTES + 1)
    assert reason(path) == "file above 64 MiB"
    assert reason(write(encoded(Image.new("1", (8001, 8000)), "PNG"))) == "more than 64,000,000 pixels"
    bomb = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bytes(bomb[12:29])))
    assert reason(write(bytes(bomb))).startswith("broken image (Image size (3600000000 pixels) exceeds limit")
    assert reason(write(encoded(Image.new("RGB", (1, 101)), "PNG"))) == "sides above 100 : 1"
    assert read_image(write(encoded(Image.new("RGB", (100, 1)), "PNG")))[0].size == (100, 1)


def test_formats_that_start_other_programs_are_not_read(write):
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    assert reason(write(postscript, "image.jpg")) == "format EPS is not read"


JPEG, PNG = encoded(picture(4), "JPEG"), encoded(picture(4), "PNG")


@given(st.sampled_from([JPEG, PNG]), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=12))
@settings(max_examples=25, deadline=None)
def test_no_damage_does_more_than_give_a_reason(tmp_path_factory, data, changes):
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(damaged)
    try:
        assert read_image(str(path))[0].mode == "RGB"
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either outcome is right


def test_errors_of_every_kind_become_a_reason(write, monkeypatch):
    def fail(*_):
        raise RuntimeError("decoder\nfell over " + "x" * 200)

    monkeypatch.setattr(images, "_check_format_and_size", fail)
    assert reason(write(JPEG)).startswith("broken image (decoder fell over xxx")


def in_tar(tmp_path, *pictures):
    """Returns the paths of pictures inside a tar."""
    paths = []
    with (tmp_path / "images.tar").open("wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        for number, data in enumerate(pictures):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(data)
            paths.append(member_path(tmp_path / "images.tar", file.tell() + 512, member.size))
            tar.addfile(member, io.BytesIO(data))
    return paths


def test_a_picture_inside_a_tar_is_read_as_a_file_of_its_own(write, tmp_path):
    for path, data in zip(in_tar(tmp_path, JPEG, PNG), (JPEG, PNG), strict=True):
        (image, sha256), (expected, hash_of_file) = read_image(path), read_image(write(data))
        np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))
        assert sha256 == hash_of_file


def test_limits_hold_inside_a_tar(tmp_path):
    paths = in_tar(tmp_path, PNG, b"no picture")
    assert reason(paths[1]) == "not an image"
    assert reason(paths[0].replace("images.tar", "none.tar")) == "missing file"
    os.truncate(tmp_path / "images.tar", 600)
    assert reason(paths[0]) == "place beyond the end of the tar"
    assert reason(member_path(tmp_path / "images.tar", 0, images.MAX_BYTES + 1)) == "file above 64 MiB"


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_decoded_from_a_tar(workers, tmp_path):
    paths = in_tar(tmp_path, PNG, b"no picture", JPEG)
    ((facts, pixels),) = decoded_batches(paths[::-1], to_tensor, batch_size=4, workers=workers)
    assert [fact.reason for fact in facts] == ["", "not an image", ""]
    assert torch.equal(pixels, torch.stack([to_tensor(read_image(path)[0]) for path in (paths[2], paths[0])]))


def to_tensor(image):
    return torch.from_numpy(np.array(image.resize((4, 4)))).permute(2, 0, 1)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 4), st.one_of(st.none(), st.integers(1, 5)))
@settings(max_examples=25, deadline=None)
def test_batches_go_through_the_rows_in_order_and_never_across_shards(total, first, size, shard):
    paths = ["/no/such/file"] * total
    batches = decoded_batches(paths, to_tensor, batch_size=size, first_row=first, shard_rows=shard)
    rows = [[fact.row for fact in facts] for facts, _ in batches]
    assert [row for batch in rows for row in batch] == list(range(first, total))
    for batch in rows:
        assert 1 <= len(batch) <= size
        assert shard is None or len({(row - first) // shard for row in batch}) == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_images_leave_the_batch_to_the_others(workers, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(6)]
    for number in (0, 2, 4):
        picture(number).save(paths[number])
    (tmp_path / "3.png").write_bytes(b"no picture")
    batches = list(decoded_batches(paths, to_tensor, batch_size=2, workers=workers))
    assert [[fact.reason for fact in facts] for facts, _ in batches] == [
        ["", "missing file"],
        ["", "not an image"],
        ["", "missing file"],
    ]
    for number, (facts, pixels) in zip((0, 2, 4), batches, strict=True):
        assert torch.equal(pixels[0], to_tensor(picture(number)))
        assert facts[0].sha256 == hashlib.sha256((tmp_path / f"{number}.png").read_bytes()).hexdigest()[:32]
    (alone, nothing) = next(decoded_batches(["none"], to_tensor, batch_size=4, workers=workers))
    assert nothing is None
    assert alone[0].reason == "missing file"
