"""CLIP's two sides against the model itself, called directly from the same folder."""

import numpy as np
import pytest
import torch
from tiny_clip import POSITIONS, WIDTH, save_clip
from tiny_models import SIDE, contents, image_dataset, layout, picture, save_text_model, text_dataset, vectors

from ligature.encoders import extract_images, extract_texts, load_text_encoder, load_vision_encoder
from ligature.errors import EncoderError
from ligature.params.encoders import EmbedParams, TextEncoderParams, VisionEncoderParams

TEXTS = ["a red dog", "the dog", "a dog on a red dog", ""]
LONG = " ".join(["dog"] * 30)
SIZES = [(50, 34), (34, 50), (40, 40), (20, 21)]


def image_side(folder, **changes):
    values = {"name": "clip-image", "loader": "clip", "source": str(folder), "pooling": "cls", **changes}
    return VisionEncoderParams(**values)


def text_side(folder, **changes):
    return TextEncoderParams(**{"name": "clip-text", "loader": "clip", "source": str(folder), **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def direct(folder):
    """The model and its processor as their authors load them."""
    from transformers import CLIPModel, CLIPProcessor

    return CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder, backend="pil")


@pytest.mark.parametrize("side", [None, 2 * SIDE])
def test_image_features_are_those_of_the_model(side, folder, direct):
    model, processor = direct
    images = [picture(seed, size) for seed, size in enumerate(SIZES)]
    encoder = load_vision_encoder(image_side(folder, image_size=side), layout())
    pixels = torch.stack([encoder.preprocess(image) for image in images])
    square = {"height": side, "width": side}
    changes = {"size": {"shortest_edge": side}, "crop_size": square} if side else {}
    own = processor.image_processor(images=images, return_tensors="pt", **changes)["pixel_values"]
    assert torch.equal(pixels, own)
    with torch.no_grad():
        expected = model.get_image_features(pixel_values=own, interpolate_pos_encoding=side is not None)
    pooled = encoder.forward(pixels).pooled(encoder.pooling)
    assert pooled.shape == (len(SIZES), WIDTH)
    torch.testing.assert_close(pooled, expected.pooler_output, rtol=0, atol=0)


def test_text_features_are_those_of_the_model_text_by_text(folder, direct):
    model, processor = direct
    encoder = load_text_encoder(text_side(folder), layout())
    pooled = encoder.forward(TEXTS).pooled
    assert pooled.shape == (len(TEXTS), WIDTH)
    for vector, text in zip(pooled, TEXTS, strict=True):
        with torch.no_grad():
            expected = model.get_text_features(**processor.tokenizer(text, return_tensors="pt")).pooler_output[0]
        torch.testing.assert_close(vector, expected, rtol=1e-5, atol=1e-6)


def test_vectors_are_raw_and_their_cosines_are_the_logits_of_the_model(folder, direct):
    model, processor = direct
    images = [picture(seed, size) for seed, size in enumerate(SIZES)]
    with torch.no_grad():
        batch = processor(text=TEXTS, images=images, return_tensors="pt", padding=True)
        logits = model(**batch).logits_per_image / model.logit_scale.exp()
    vision, text = load_vision_encoder(image_side(folder), layout()), load_text_encoder(text_side(folder), layout())
    left = vision.forward(torch.stack([vision.preprocess(image) for image in images])).pooled("cls")
    right = text.forward(TEXTS).pooled
    assert not torch.allclose(left.norm(dim=1), torch.ones(len(left)), atol=0.05)
    assert not torch.allclose(right.norm(dim=1), torch.ones(len(right)), atol=0.05)
    cosines = (left / left.norm(dim=1, keepdim=True)) @ (right / right.norm(dim=1, keepdim=True)).T
    torch.testing.assert_close(cosines, logits, rtol=1e-4, atol=1e-5)


def test_prompt_stands_before_every_text(folder):
    plain, prompted = (load_text_encoder(text_side(folder, prompt=prompt), layout()) for prompt in ("", "a red "))
    assert torch.equal(prompted.forward(["dog"]).pooled, plain.forward(["a red dog"]).pooled)
    assert prompted.token_lengths(["dog"]) == plain.token_lengths(["a red dog"]) == [7]


@pytest.mark.parametrize("longest", [POSITIONS, 10**30])
def test_positions_limit_a_text_and_longer_ones_are_counted(tmp_path, longest):
    encoder = load_text_encoder(text_side(save_clip(tmp_path / "model", longest=longest)), layout())
    assert encoder.max_length == encoder.identity["max_length"] == POSITIONS
    assert encoder.token_lengths([LONG]) == [32]
    as_cut = encoder.forward([" ".join(["dog"] * (POSITIONS - 2))]).pooled
    assert torch.equal(encoder.forward([LONG]).pooled, as_cut)
    texts = text_dataset([*TEXTS, LONG])
    found = extract_texts(encoder, texts, tmp_path / "store", params=EmbedParams(shard_rows=3))
    assert found.truncated == {"count": 1, "max_tokens": POSITIONS, "longest": 32}


def test_a_study_may_lower_the_limit_but_not_raise_it(folder):
    encoder = load_text_encoder(text_side(folder, max_length=4), layout())
    assert torch.equal(encoder.forward(["dog dog dog dog"]).pooled, encoder.forward(["dog dog"]).pooled)
    with pytest.raises(EncoderError, match=f"max_length 13 exceeds its {POSITIONS} positions"):
        load_text_encoder(text_side(folder, max_length=13), layout())


def test_both_sides_make_pooled_stores_and_no_token_stores(folder, tmp_path):
    vision, text = load_vision_encoder(image_side(folder), layout()), load_text_encoder(text_side(folder), layout())
    images, settings = image_dataset(tmp_path / "images", 5), EmbedParams(shard_rows=3, image_batch=2)
    for name, extract, encoder in (("image", extract_images, vision), ("text", extract_texts, text)):
        for run in ("first", "second"):
            extract(encoder, images, tmp_path / run / name, params=settings)
        assert vectors(tmp_path / "first" / name).shape == (5, WIDTH)
        with pytest.raises(EncoderError, match=r"no token states; use train.mode 'pooled'"):
            extract(encoder, images, tmp_path / "tokens" / name, params=settings, view="tokens")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    np.testing.assert_allclose(
        vectors(tmp_path / "first" / "text")[0], text.forward(["caption image-0"]).pooled[0], atol=1e-2
    )


def test_patches_cannot_be_pooled(folder):
    encoder = load_vision_encoder(image_side(folder), layout())
    with pytest.raises(EncoderError, match="'mean' needs patch tokens"):
        encoder.forward(torch.zeros(1, 3, SIDE, SIDE)).pooled("mean")


def test_identity_tells_the_loader_and_the_weights(folder):
    image = load_vision_encoder(image_side(folder), layout()).identity
    text = load_text_encoder(text_side(folder), layout()).identity
    assert (image["loader"], image["pooling"], image["has_cls"]) == ("clip", "cls", True)
    assert (text["loader"], text["pooling"]) == ("clip", "own")
    assert image["revision"] == text["revision"]
    assert image["revision"].startswith("sha256:")


def test_other_models_are_refused_by_name(tmp_path):
    with pytest.raises(EncoderError, match="type 'siglip', loader 'clip' takes 'clip' only"):
        load_vision_encoder(image_side(save_clip(tmp_path / "siglip", "Siglip")), layout())
    with pytest.raises(EncoderError, match="type 'bert', loader 'clip' takes 'clip' only"):
        load_text_encoder(text_side(save_text_model(tmp_path / "bert")), layout())


def test_pickled_weights_and_missing_weights_are_refused(tmp_path, folder):
    from safetensors.torch import load_file, save_file

    part = tmp_path / "part"
    part.mkdir()
    for file in folder.iterdir():
        (part / file.name).write_bytes(file.read_bytes())
    weights = load_file(part / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, part / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"lacks 1 weights of its model, one is 'visual_projection.weight'"):
        load_vision_encoder(image_side(part), layout())
    (part / "model.safetensors").rename(part / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"lacks config.json or \*.safetensors"):
        load_text_encoder(text_side(part), layout())


def test_bfloat16_stays_near_float32_and_is_recorded(folder):
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    exact = load_vision_encoder(image_side(folder), layout()).forward(pixels).pooled("cls")
    encoder = load_vision_encoder(image_side(folder), layout(), precision="bfloat16")
    half = encoder.forward(pixels).pooled("cls")
    assert half.dtype == torch.float32
    assert 0 < (half - exact).abs().max() < 0.1
    assert encoder.identity["precision"] == "bfloat16"


@pytest.mark.slow
def test_compiled_model_agrees(folder):
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    compiled = load_vision_encoder(image_side(folder), layout(), compiled=True)
    with torch.inference_mode():
        expected = load_vision_encoder(image_side(folder), layout()).forward(pixels).pooled("cls")
        torch.testing.assert_close(compiled.forward(pixels).pooled("cls"), expected, rtol=1e-4, atol=1e-5)
