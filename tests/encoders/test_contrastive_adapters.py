"""A pre-trained pair as two encoders of the registry, against the pair itself."""

import json
import shutil

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tiny_models import contents, image_dataset, layout, picture, text_dataset, vectors
from tiny_pair import CONTEXT, SIDE, WIDTH, save_tiny_pair, tiny_tokenizer

from ligature.encoders import extract_images, extract_texts, load_text_encoder, load_vision_encoder
from ligature.encoders.cached import encoder_content
from ligature.encoders.contrastive import load_pair, resize_and_crop, to_pixels
from ligature.encoders.source import resolve_source
from ligature.encoders.unimodal.saving import SUMS
from ligature.errors import DamagedError, EncoderError
from ligature.params.encoders import EmbedParams, TextEncoderParams, VisionEncoderParams

TEXTS = ["a red dog", "the cat", "", "two dogs on the roof of an old blue house by the sea"]
TRAINED = "{pretraining}/alignclip/seed-3"


def image_side(source, **changes):
    values = {"name": "own-image", "loader": "contrastive", "source": str(source), "pooling": "cls", **changes}
    return VisionEncoderParams(**values)


def text_side(source, **changes):
    return TextEncoderParams(**{"name": "own-text", "loader": "contrastive", "source": str(source), **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_pair(tmp_path_factory.mktemp("pair") / "model")


@pytest.fixture
def study(tmp_path, folder):
    """Layout of a study whose pre-training has run."""
    shutil.copytree(folder, layout(tmp_path).pretrained("alignclip", 3) / "model")
    return layout(tmp_path)


def test_images_are_those_of_the_pair(folder):
    images = [picture(seed, size) for seed, size in enumerate([(50, 34), (34, 50), (16, 16)])]
    encoder = load_vision_encoder(image_side(folder), layout())
    pixels = torch.stack([encoder.preprocess(image) for image in images])
    with torch.no_grad():
        features = encoder.forward(pixels)
        seen = to_pixels(np.stack([np.asarray(resize_and_crop(image, SIDE)) for image in images]))
        expected = load_pair(folder).model.encode_image(seen)
    assert features.pooled("cls").shape == (3, WIDTH)
    assert torch.equal(features.pooled("cls"), expected)
    assert features.patches is None


def test_texts_are_those_of_the_pair_text_by_text(folder):
    encoder, pair = load_text_encoder(text_side(folder), layout()), load_pair(folder)
    pooled = encoder.forward(TEXTS).pooled
    assert pooled.shape == (len(TEXTS), WIDTH)
    assert not pooled.requires_grad
    for vector, text in zip(pooled, TEXTS, strict=True):
        with torch.no_grad():
            expected = pair.model.encode_text(pair.tokenizer.encode([text]))[0]
        torch.testing.assert_close(vector, expected, rtol=1e-5, atol=1e-6)


def test_a_prompt_stands_before_every_text(folder):
    plain, prompted = (load_text_encoder(text_side(folder, prompt=prompt), layout()) for prompt in ("", "a red "))
    assert torch.equal(prompted.forward(["dog"]).pooled, plain.forward(["a red dog"]).pooled)
    assert prompted.token_lengths(["dog"]) == plain.token_lengths(["a red dog"])


def test_longer_texts_are_cut_at_the_context_and_counted(folder, tmp_path):
    encoder = load_text_encoder(text_side(folder), layout())
    lengths = tiny_tokenizer().lengths(TEXTS)
    assert encoder.max_length == encoder.identity["max_length"] == CONTEXT
    assert encoder.token_lengths(TEXTS) == lengths
    found = extract_texts(encoder, text_dataset(TEXTS), tmp_path, params=EmbedParams())
    assert found.truncated == {"count": 1, "max_tokens": CONTEXT, "longest": max(lengths)}


def test_a_study_may_lower_the_length_but_not_raise_it(folder):
    encoder = load_text_encoder(text_side(folder, max_length=5), layout())
    pair = load_pair(folder)
    tokens = pair.tokenizer.encode([TEXTS[3]])[:, :5]
    tokens[:, -1] = pair.tokenizer.end_token
    torch.testing.assert_close(encoder.forward([TEXTS[3]]).pooled, pair.model.encode_text(tokens).detach())
    with pytest.raises(EncoderError, match=f"max_length 11 exceeds its {CONTEXT} positions"):
        load_text_encoder(text_side(folder, max_length=11), layout())


def test_both_sides_make_pooled_stores_of_the_same_bytes_and_no_token_stores(folder, tmp_path):
    vision, text = load_vision_encoder(image_side(folder), layout()), load_text_encoder(text_side(folder), layout())
    images, settings = image_dataset(tmp_path / "images", 5), EmbedParams(shard_rows=3, image_batch=2)
    for name, extract, encoder in (("image", extract_images, vision), ("text", extract_texts, text)):
        for run in ("first", "second"):
            extract(encoder, images, tmp_path / run / name, params=settings)
        stored = vectors(tmp_path / "first" / name)
        assert stored.shape == (5, WIDTH)
        np.testing.assert_allclose(np.linalg.norm(stored, axis=1), 1, atol=1e-3)
        with pytest.raises(EncoderError, match=r"no token states; use train.mode 'pooled'"):
            extract(encoder, images, tmp_path / "tokens" / name, params=settings, view="tokens")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    first = text.forward(["caption image-0"]).pooled[0]
    np.testing.assert_allclose(vectors(tmp_path / "first" / "text")[0], first, atol=1e-2)


def test_identity_tells_the_loader_and_the_weights(folder):
    image = load_vision_encoder(image_side(folder), layout()).identity
    text = load_text_encoder(text_side(folder), layout()).identity
    assert (image["loader"], image["pooling"], image["has_cls"]) == ("contrastive", "cls", True)
    assert (text["loader"], text["pooling"]) == ("contrastive", "own")
    assert image["revision"] == text["revision"] == resolve_source(image_side(folder), None).identity


def test_a_training_of_the_study_is_found_by_run_and_seed(study, folder):
    assert resolve_source(image_side(TRAINED), study).folder == study.pretrained("alignclip", 3) / "model"
    for side, load in ((image_side, load_vision_encoder), (text_side, load_text_encoder)):
        assert load(side(TRAINED), study).identity["source"] == TRAINED
    texts = load_text_encoder(text_side(TRAINED), study).forward(TEXTS).pooled
    assert torch.equal(texts, load_text_encoder(text_side(folder), layout()).forward(TEXTS).pooled)


def test_a_training_that_has_not_run_says_which_step_is_missing(tmp_path):
    with pytest.raises(EncoderError, match="run the study's pretraining step first"):
        load_vision_encoder(image_side(TRAINED), layout(tmp_path))
    with pytest.raises(EncoderError, match="a training belongs to a study; give a source instead"):
        load_text_encoder(text_side(TRAINED), None)


def test_a_damaged_training_is_set_aside_and_a_damaged_folder_of_others_is_not(study, tmp_path, folder):
    others = shutil.copytree(folder, tmp_path / "others")
    for place in (study.pretrained("alignclip", 3) / "model", others):
        (place / "tokenizer.json").write_text("{}")
    with pytest.raises(DamagedError, match=r"tokenizer.json"):
        load_text_encoder(text_side(TRAINED), study)
    with pytest.raises(EncoderError, match=r"encoder 'own-text': .*tokenizer.json: damaged"):
        load_text_encoder(text_side(others), study)


def test_a_checkpoint_of_another_vocabulary_is_refused(tmp_path, folder):
    others = shutil.copytree(folder, tmp_path / "others")
    (others / SUMS).unlink()
    tiny_tokenizer(270).save(others)
    with pytest.raises(EncoderError, match=r"encoder 'own-image': .*config.json asks .*tokenizer.json has"):
        load_vision_encoder(image_side(others), layout())


@pytest.mark.parametrize("side", [image_side, text_side])
def test_the_cache_knows_a_pair_by_its_files_and_not_by_its_name_or_place(side, study, folder, tmp_path):
    content = encoder_content(side(folder), layout())
    assert encoder_content(side(TRAINED, name="other"), study) == content
    assert {"config.json", "tokenizer.json", "preprocessor_config.json"} <= set(content["files"])
    other = save_tiny_pair(tmp_path / "other", seed=1)
    assert encoder_content(side(other), layout())["weights"] != content["weights"]
    (other / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (other / SUMS).write_bytes((folder / SUMS).read_bytes())
    assert encoder_content(side(other), layout()) == content
    settings = json.loads((other / "preprocessor_config.json").read_text())
    (other / "preprocessor_config.json").write_text(json.dumps(settings | {"resample": 0}))
    assert encoder_content(side(other), layout()) != content


def test_bfloat16_stays_near_float32_and_is_recorded(folder):
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    for precision, bounds in (("float32", (-1, 0)), ("bfloat16", (0, 0.1))):
        for side, load, given in ((image_side, load_vision_encoder, pixels), (text_side, load_text_encoder, TEXTS)):
            encoder = load(side(folder), layout(), precision=precision)
            features, exact = encoder.forward(given), load(side(folder), layout()).forward(given)
            found, expected = (f.pooled("cls") if side is image_side else f.pooled for f in (features, exact))
            assert found.dtype == torch.float32
            assert bounds[0] < (found - expected).abs().max() <= bounds[1]
            assert encoder.identity["precision"] == precision


@pytest.mark.parametrize(
    "changes",
    [{"source": None}, {"pooling": "mean"}, {"image_size": 32}, {"module": "image"}],
    ids=lambda c: next(iter(c)),
)
def test_a_vision_entry_that_makes_no_sense_is_refused(changes):
    values = {"name": "pair", "loader": "contrastive", "source": "a/b", "pooling": "cls", **changes}
    with pytest.raises(ValidationError, match="loader 'contrastive'"):
        VisionEncoderParams(**values)


@pytest.mark.parametrize("changes", [{"source": None}, {"pooling": "mean"}, {"dims": 8}], ids=lambda c: next(iter(c)))
def test_a_text_entry_that_makes_no_sense_is_refused(changes):
    with pytest.raises(ValidationError, match=r"loader|the others have their own"):
        TextEncoderParams(**{"name": "pair", "loader": "contrastive", "source": "a/b", **changes})


@pytest.mark.slow
def test_a_compiled_pair_agrees(folder):
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    compiled = load_vision_encoder(image_side(folder), layout(), compiled=True)
    with torch.inference_mode():
        expected = load_vision_encoder(image_side(folder), layout()).forward(pixels).pooled("cls")
        torch.testing.assert_close(compiled.forward(pixels).pooled("cls"), expected, rtol=1e-4, atol=1e-5)
