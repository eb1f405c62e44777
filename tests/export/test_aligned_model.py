"""The exported pair says of images and texts what the study's own stores and projector say."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_models import picture
from tiny_pairs import CAPTIONS, make_study, stored_vectors

import ligature
from ligature.data import open_dataset
from ligature.encoders import load_text_encoder
from ligature.encoders.vision import VisionFeatures
from ligature.errors import DataError, EncoderError
from ligature.export import AlignedModel, export_pair
from ligature.export.inputs import image_inputs, text_inputs
from ligature.export.model import fill_templates
from ligature.params.encoders import TextEncoderParams
from ligature.projection import load_projector

MODES = [
    ("pooled", "cls"),
    ("pooled", "mean"),
    ("pooled", "cls+mean"),
    ("tokens", "cls+mean"),
    ("regions", "cls"),
    ("tokens-int8", "cls"),
]
TOLERANCE = {"tokens-int8": 1e-2}
"""Above the rounding of stores in 16 bits: these hold 8 bits."""


@pytest.mark.parametrize(("mode", "pooling"), MODES)
def test_a_pair_gives_what_the_stores_give(tmp_path, mode, pooling):
    layout = make_study(tmp_path, mode, pooling)
    model = AlignedModel.from_pretrained(export_pair(layout, "vit", "bert"))
    images, texts = stored_vectors(layout)
    paths = open_dataset(layout, "photos").images["path"].to_list()
    for ours, stored in ((model.encode_image(paths, batch_size=4), images), (model.encode_text(CAPTIONS), texts)):
        assert ours.dtype == np.float32
        assert ours.shape == (len(CAPTIONS), 16)
        np.testing.assert_allclose(ours, stored, atol=TOLERANCE.get(mode, 1e-3))
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    assert np.abs(images - images[::-1]).max() > 0.01, "all images alike would show nothing"


def test_the_package_offers_the_model_by_name():
    assert ligature.AlignedModel is AlignedModel
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = ligature.Nothing


def test_batches_do_not_matter(pair):
    images = [picture(seed) for seed in range(5)]
    np.testing.assert_allclose(pair.encode_image(images, batch_size=2), pair.encode_image(images), atol=1e-6)
    np.testing.assert_allclose(pair.encode_text(CAPTIONS, batch_size=2), pair.encode_text(CAPTIONS), atol=1e-6)


def test_images_may_be_paths_pictures_or_one_alone(pair, tmp_path):
    image = picture(3)
    image.save(tmp_path / "image.png")
    expected = pair.encode_image([image])
    for same in (image, tmp_path / "image.png", str(tmp_path / "image.png"), [image.convert("RGBA")]):
        np.testing.assert_array_equal(pair.encode_image(same), expected)
    np.testing.assert_array_equal(pair.encode_text("red"), pair.encode_text(["red"]))


def test_a_picture_lying_on_its_side_is_turned(pair, tmp_path):
    lying = picture(5, (40, 30)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.save(tmp_path / "lying.png", exif=exif)
    opened = Image.open(tmp_path / "lying.png")
    np.testing.assert_array_equal(pair.encode_image(opened), pair.encode_image(tmp_path / "lying.png"))
    assert np.abs(pair.encode_image(opened) - pair.encode_image(lying)).max() > 1e-4


def test_nothing_in_gives_nothing_out(pair):
    assert pair.encode_image([]).shape == (0, 16)
    assert pair.encode_text([]).shape == (0, 16)


def test_the_prompt_stands_before_every_text(pair, study):
    assert pair.text.max_length == 9
    without = study.study.encoders.text[0].model_copy(update={"prompt": ""})
    plain = load_text_encoder(without, study).forward(["photo of red"]).pooled
    vector = load_projector(study.train).encode_text(plain).detach().numpy()
    np.testing.assert_allclose(pair.encode_text("red"), vector, atol=1e-5)


def test_similarity_is_the_cosine(pair):
    images = [picture(seed) for seed in range(3)]
    expected = pair.encode_image(images) @ pair.encode_text(CAPTIONS).T
    np.testing.assert_allclose(pair.similarity(images, CAPTIONS), expected, atol=1e-6)


def test_classify_follows_the_formula(pair):
    images, labels, templates = [picture(seed) for seed in range(3)], ["red", "square"], ("a {}", "the big {}")
    vectors = pair.encode_image(images)
    classes = []
    for label in labels:
        mean = pair.encode_text([template.replace("{}", label) for template in templates]).mean(axis=0)
        classes.append(mean / np.linalg.norm(mean))
    logits = vectors @ np.stack(classes).T / pair.projector.temperature
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(pair.classify(images, labels, templates), expected, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=5, unique=True))
def test_probabilities_sum_to_one_whatever_the_labels(pair, labels):
    probabilities = pair.classify([picture(0)], labels)
    assert probabilities.shape == (1, len(labels))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_label_may_hold_braces(pair):
    assert fill_templates(["{0.__class__}", "{}"], ["a {}."]) == ["a {0.__class__}.", "a {}."]


@pytest.mark.parametrize(
    ("labels", "templates", "words"),
    [
        ([], ["{}"], "at least one"),
        (["a", " "], ["{}"], "none that is empty"),
        (["a", "b", "a"], ["{}"], "'a' is given twice"),
        (["a"], ["photo"], "in the place of the label"),
        (["a"], [], "at least one"),
        ([1], ["{}"], "a text must be a string, not int"),
    ],
)
def test_wrong_labels_are_one_line(labels, templates, words):
    with pytest.raises(DataError, match=words):
        fill_templates(labels, templates)


def test_wrong_images_are_one_line(pair, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DataError, match=r"text\.png: not an image; give another"):
        pair.encode_image([tmp_path / "text.png"])
    with pytest.raises(DataError, match=r"none\.png: "):
        pair.encode_image([tmp_path / "none.png"])
    with pytest.raises(DataError, match="not int"):
        pair.encode_image([7])


def test_patches_are_those_of_the_projector(pair):
    images = [picture(seed) for seed in range(2)]
    pixels = torch.stack([pair.vision.preprocess(image) for image in images])
    with torch.no_grad():
        expected = pair.projector.project_patches(pair.vision.forward(pixels).patches)
    np.testing.assert_allclose(pair.encode_patches(images), expected.numpy(), atol=1e-6)


def test_what_an_encoder_lacks_is_said_in_one_line():
    patches = torch.arange(16.0).reshape(1, 16, 1)
    inputs = image_inputs(VisionFeatures(patches[:, 0], patches), "regions", "cls+mean", 2)
    assert inputs["local"].flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert image_inputs(VisionFeatures(patches[:, 0], patches[:, :0]), "tokens", "cls", 2)["local"] is None
    assert image_inputs(VisionFeatures(None, patches), "tokens", "mean", 2)["local"].shape == (1, 16, 1)
    with pytest.raises(EncoderError, match="no token states"):
        image_inputs(VisionFeatures(patches[:, 0], None), "tokens", "cls", 2)


def test_a_projector_of_tokens_needs_tokens_of_texts():
    params = TextEncoderParams(name="words", loader="bag-of-words", dims=24)
    with pytest.raises(DataError, match="'words' has no token states"):
        text_inputs(load_text_encoder(params, None), ["red"], "tokens")


def test_the_mean_of_all_tokens_counts_the_cls_token_as_the_stores_do():
    patches = torch.arange(4.0).reshape(1, 4, 1)
    inputs = image_inputs(VisionFeatures(torch.full((1, 1), 9.0), patches), "pooled", "all", 2)
    assert inputs["cls"] is None
    assert inputs["local"].item() == pytest.approx((9 + 0 + 1 + 2 + 3) / 5)
