import numpy as np
import pytest
import torch
from PIL import Image

from ligature.encoders.unimodal.images import decode_images, image_processor, pixel_values
from ligature.errors import DataError


def noise(width, height, mode="RGB"):
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (40, 23), (9, 30)])
def test_training_sees_the_pixels_of_the_saved_processor(tmp_path, width, height):
    image = noise(width, height)
    image.save(tmp_path / "a.png")
    ours = pixel_values(decode_images([tmp_path / "a.png"], 16))
    theirs = image_processor(16)(image, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


def test_images_keep_their_order_and_become_rgb(tmp_path):
    for name, mode in [("a.png", "L"), ("b.png", "RGBA"), ("c.png", "P")]:
        noise(8, 8, mode).save(tmp_path / name)
    paths = [tmp_path / name for name in ("c.png", "a.png", "b.png")]
    images = decode_images(paths, 8)
    assert images.dtype == torch.uint8
    assert images.shape == (3, 3, 8, 8)
    for image, path in zip(images, paths, strict=True):
        expected = np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
        assert np.array_equal(image.numpy(), expected)


def test_bytes_span_minus_one_to_one():
    values = pixel_values(torch.tensor([0, 255], dtype=torch.uint8))
    assert values.tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("content", [b"no image", None])
def test_an_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "broken.jpg"
    if content:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.jpg: not a readable image"):
        decode_images([path], 8)


def test_a_truncated_file_is_named(tmp_path):
    noise(64, 64).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    with pytest.raises(DataError, match=r"cut\.jpg: not a readable image"):
        decode_images([tmp_path / "cut.jpg"], 8)
