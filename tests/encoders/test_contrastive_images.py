"""What the towers see of an image: the same pixels as transformers and the project's own preprocessing."""

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import SIDE, picture

from ligature.encoders.contrastive import resize_and_crop, to_pixels
from ligature.encoders.contrastive.images import MEAN, PREPROCESSOR, STD, write_preprocessor
from ligature.encoders.preprocessing import load_preprocess
from ligature.encoders.source import Source
from ligature.params.encoders import VisionEncoderParams

SIZES = [(50, 34), (34, 50), (40, 40), (20, 21), (33, 97), (SIDE, SIDE), (301, 299), (7, 5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preprocessor")
    write_preprocessor(folder, SIDE)
    assert [path.name for path in folder.iterdir()] == [PREPROCESSOR]
    return folder


def seen(image):
    """Returns what evaluation in training sees of an image."""
    return to_pixels(np.asarray(resize_and_crop(image, SIDE))[None])[0]


def test_bytes_are_scaled_and_normalised():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)
    expected = np.stack([(images[:, c] / 255.0 - MEAN[c]) / STD[c] for c in range(3)], axis=1)
    pixels = to_pixels(images)
    assert pixels.dtype == torch.float32
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=1e-6)


def test_channels_may_come_last_and_tensors_are_taken():
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    first = to_pixels(images.transpose(0, 3, 1, 2).copy())
    for form in (images, torch.from_numpy(images), torch.from_numpy(images).permute(0, 3, 1, 2)):
        assert torch.equal(to_pixels(form), first)
        assert to_pixels(form).is_contiguous()


@pytest.mark.parametrize(
    "images", [np.zeros((2, 3, 4, 4)), np.zeros((3, 4, 4), np.uint8), np.zeros((1, 4, 4, 4), "u1")]
)
def test_what_is_no_batch_of_byte_images_is_refused(images):
    with pytest.raises(ValueError, match="give bytes"):
        to_pixels(images)


@pytest.mark.parametrize("size", SIZES)
def test_the_middle_of_an_image_is_kept_at_the_right_size(size):
    image = Image.new("RGB", size, "red")
    assert resize_and_crop(image, SIDE).size == (SIDE, SIDE)
    band = np.zeros((60, 20, 3), np.uint8)
    band[20:40] = 255
    assert np.asarray(resize_and_crop(Image.fromarray(band), 20)).min() == 255


@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_those_of_transformers(size, folder):
    from transformers import CLIPImageProcessor, CLIPImageProcessorPil

    image = picture(3, size)
    for kind in (CLIPImageProcessor, CLIPImageProcessorPil):
        processor = kind.from_pretrained(folder)
        theirs = processor(images=image, return_tensors="pt")["pixel_values"][0]
        exact = isinstance(processor, CLIPImageProcessorPil)
        torch.testing.assert_close(seen(image), theirs, rtol=0, atol=0 if exact else 0.02)


@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_those_of_the_projects_own_preprocessing(size, folder):
    params = VisionEncoderParams(name="pair", loader="contrastive", source=str(folder), pooling="cls")
    preprocess = load_preprocess(params, Source(folder, ""))
    torch.testing.assert_close(preprocess(picture(4, size)), seen(picture(4, size)), rtol=0, atol=0)
