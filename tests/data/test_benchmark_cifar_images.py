"""Pictures of CIFAR are decoded in place from raw pixels, within the file and nowhere else."""

import hashlib

import numpy as np
import pytest
from benchmark_files import write_cifar_10, write_cifar_100

from ligature.data.benchmarks import list_benchmark
from ligature.data.images import image_bytes, raw_path, read_image


@pytest.mark.parametrize(("kind", "writer"), [("cifar-10", write_cifar_10), ("cifar-100", write_cifar_100)])
def test_every_picture_has_the_pixels_of_its_record(tmp_path, kind, writer):
    pixels = writer(tmp_path)
    found = list_benchmark(kind, tmp_path, split="test")
    for row in found.images.itertuples():
        image, sha256 = read_image(row.path)
        expected = pixels[int(row.id.rpartition("/")[2])]
        assert (image.mode, image.size) == ("RGB", (32, 32))
        np.testing.assert_array_equal(np.asarray(image), expected)
        assert sha256 == hashlib.sha256(expected.transpose(2, 0, 1).tobytes()).hexdigest()[:32]


def test_planes_are_red_green_and_blue_row_by_row(tmp_path):
    file = tmp_path / "raw.bin"
    file.write_bytes(bytes([99, *range(6), *range(10, 16), *range(20, 26)]))
    image, _ = read_image(raw_path(file, 1, 3, 2))
    assert image.size == (3, 2)
    assert image.getpixel((0, 0)) == (0, 10, 20)
    assert image.getpixel((2, 1)) == (5, 15, 25)


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        ("::0+12!3x2", "not the pixels of a picture of 3 x 2"),
        ("::0+0!0x9", "not the pixels of a picture of 0 x 9"),
        ("::10+18!3x2", "place beyond the end of the tar"),
        ("::0+300000000!9999x9999", "file above 64 MiB"),
        ("::0+18!3x2x1", "missing file"),
        ("!3x2", "missing file"),
    ],
)
def test_a_place_that_does_not_fit_is_a_reason(tmp_path, tail, reason):
    (tmp_path / "raw.bin").write_bytes(bytes(19))
    with pytest.raises(ValueError, match=reason):
        read_image(f"{tmp_path / 'raw.bin'}{tail}")


def test_the_bytes_of_an_image_are_those_of_its_file_whatever_it_is_called(tmp_path):
    file = tmp_path / "what!a picture.png"
    file.write_bytes(b"\0" + bytes(range(18)))
    assert image_bytes(str(file)) == b"\0" + bytes(range(18))
    assert image_bytes(raw_path(file, 1, 3, 2)) == bytes(range(18))
