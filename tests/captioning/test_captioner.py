"""Captions of pictures: every size and mode, with examples, the same as from features."""

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import picture
from tiny_vlm import tiny_vlm

from ligature.captioning.captioner import caption_images, encode_image
from ligature.captioning.generation import GenerationSettings, generate_captions

SETTINGS = GenerationSettings(max_new_tokens=6)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_vlm(tmp_path_factory.mktemp("model"), tiles=4, context_length=256)


def test_an_image_is_encoded_view_by_view(model):
    features, shape = encode_image(model, picture(0, (128, 64)))
    assert shape == (1, 2)
    assert features.shape == (3, model.vision.tokens, model.vision.width)
    assert not features.requires_grad
    left = picture(0, (128, 64)).resize((64, 32), Image.Resampling.LANCZOS).crop((0, 0, 32, 32))
    alone = model.vision(model.vision.preprocess(left)[None])
    assert torch.allclose(features[:1], alone, atol=1e-5)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P", "I;16", "1"])
def test_pictures_of_any_mode_are_captioned(model, mode):
    image = (
        Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40))
        if mode == "I;16"
        else picture(1).convert(mode)
    )
    features, _ = encode_image(model, image)
    assert torch.isfinite(features).all()
    assert len(caption_images(model, [image], SETTINGS)) == 1


def test_pictures_of_any_size_are_captioned(model):
    images = [picture(row, size) for row, size in enumerate([(1, 1), (1, 300), (300, 3), (32, 32), (33, 97)])]
    assert [caption.tokens for caption in caption_images(model, images, SETTINGS)] == [6] * 5


def test_captions_of_pictures_are_those_of_their_features(model):
    images = [picture(row, size) for row, size in enumerate([(40, 40), (96, 40), (30, 90)])]
    encoded = [encode_image(model, image) for image in images]
    features, shapes = [each for each, _ in encoded], [shape for _, shape in encoded]
    found = caption_images(model, iter(images), SETTINGS, batch_size=2)
    assert found == generate_captions(model, features, shapes, SETTINGS)
    assert len({caption.text for caption in found}) > 1


def test_examples_are_pictures_with_captions(model):
    images = [picture(0), picture(1)]
    shown = [(picture(5), "a cat"), (picture(6), "a dog")]
    encoded = [(*encode_image(model, image), caption) for image, caption in shown]
    own = [encode_image(model, image) for image in images]
    expected = generate_captions(
        model, [each for each, _ in own], [shape for _, shape in own], SETTINGS, examples=[encoded, encoded]
    )
    assert caption_images(model, images, SETTINGS, examples=shown) == expected
    assert expected != caption_images(model, images, SETTINGS)


def test_a_prompt_of_ones_own_is_asked(model):
    asked = caption_images(model, [picture(0)], SETTINGS, prompt="how many stars?")
    assert asked != caption_images(model, [picture(0)], SETTINGS)
