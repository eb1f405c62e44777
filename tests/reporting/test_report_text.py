"""Text and thumbnails: whatever comes in, what goes out is bounded and safe."""

import base64
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ligature.data.images import raw_path
from ligature.reporting.text import (
    bounded,
    is_fraction,
    listed,
    measured,
    metric_header,
    metric_label,
    number,
    percent,
    plural,
    shortened,
    slug,
)
from ligature.reporting.thumbnails import SIDE, thumbnail


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=300), st.integers(5, 100))
def test_bounded_text_is_one_printable_line(text: str, limit: int) -> None:
    shown = bounded(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert bounded(shown, limit) == shown


def test_bounded_text_keeps_what_fits() -> None:
    assert bounded("ein  großer\nKreis 大きな円") == "ein großer Kreis 大きな円"
    assert bounded("abcdef", 5) == "abcd…"


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=100), st.integers(5, 40))
def test_shortened_text_keeps_both_ends(text: str, limit: int) -> None:
    whole, shown = bounded(text, 200), shortened(text, limit)
    assert len(shown) <= limit
    assert shown == whole or (shown[:2], shown[-2:]) == (whole[:2], whole[-2:])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=200), min_size=2, max_size=6, unique=True))
def test_slugs_are_different_safe_file_names(texts: list[str]) -> None:
    slugs = [slug(text) for text in texts]
    assert len(set(slugs)) == len(texts)
    assert all(len(name) <= 80 and "/" not in name and name.isascii() and name.isprintable() for name in slugs)


@pytest.mark.parametrize(
    ("metric", "label", "header", "fraction"),
    [
        ("probe_i2t_recall@10", "image→text R@10", "i→t R@10", True),
        ("validation_t2i_recall@1", "text→image R@1", "t→i R@1", True),
        ("probe_mean_recall", "mean recall", "mean recall", True),
        ("t2i_median_rank", "text→image median rank", "t→i median rank", False),
        ("top5", "top-5", "top-5", True),
        ("mean_per_class", "mean per class", "mean per class", True),
        ("cka_debiased", "CKA (debiased)", "CKA (debiased)", False),
        ("something_new", "something new", "something new", False),
    ],
)
def test_metrics_have_readable_names(metric: str, label: str, header: str, fraction: bool) -> None:
    assert (metric_label(metric), metric_header(metric), is_fraction(metric)) == (label, header, fraction)


def test_numbers() -> None:
    assert number(-0.1234, 2) == "−0.12"
    assert number(-0.0004) == "0.000"
    assert percent(0.1234, " %") == "12.3 %"
    assert number(math.nan) == percent(math.nan, " %") == measured("top1", math.nan) == "–"
    assert measured("i2t_median_rank", 7.5) == "7.5"
    assert plural(1, "pair") == "1 pair"
    assert plural(1500, "pair") == "1,500 pairs"
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def decoded(uri: str) -> Image.Image:
    head, _, content = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


@pytest.mark.parametrize(
    ("mode", "suffix"), [("RGB", "jpg"), ("RGBA", "png"), ("L", "png"), ("P", "gif"), ("1", "bmp")]
)
def test_thumbnails_are_small_and_encoded_again(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"image.{suffix}"
    Image.new(mode, (800, 400)).save(path)
    picture = decoded(thumbnail(path))
    assert picture.size == (SIDE, SIDE // 2)
    assert picture.mode == "RGB"


def test_raw_pixels_inside_a_file_have_a_thumbnail_too(tmp_path: Path) -> None:
    file = tmp_path / "batch.bin"
    file.write_bytes(bytes([7]) + bytes([200] * 4 + [10] * 4 + [10] * 4))
    picture = decoded(thumbnail(raw_path(file, 1, 2, 2)))
    assert picture.size == (2, 2)
    red, green, _ = picture.getpixel((0, 0))
    assert red > 150 > green


def test_thumbnails_carry_no_foreign_bytes(tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    secret = b"<script>alert(1)</script>"
    Image.new("RGB", (20, 20), "red").save(path, comment=secret)
    path.write_bytes(path.read_bytes() + secret)
    assert secret in path.read_bytes()
    content = base64.b64decode(thumbnail(path).partition(",")[2])
    assert b"script" not in content
    assert decoded(thumbnail(path)).size == (20, 20)


def test_transparency_becomes_white(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(path)
    assert np.asarray(decoded(thumbnail(path))).min() >= 250


def test_rotation_of_cameras_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 10)).save(path, exif=exif)
    assert decoded(thumbnail(path)).size == (10, 30)


@pytest.mark.parametrize(
    "content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + b"\0" * 30, b"%!PS-Adobe-3.0 EPSF-3.0\n"]
)
def test_broken_images_have_no_thumbnail(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    assert thumbnail(path) is None


def test_images_that_are_not_files_have_no_thumbnail(tmp_path: Path) -> None:
    assert thumbnail(tmp_path) is None
    assert thumbnail(tmp_path / "nowhere.png") is None
    assert thumbnail("nul\0byte") is None


def test_huge_images_have_no_thumbnail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (100, 100)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert thumbnail(path) is None
