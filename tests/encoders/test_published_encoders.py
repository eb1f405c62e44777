"""Published encoders, loaded from tiny models of their classes, against those classes used by hand."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import image_dataset, layout, picture, save_text_model, vectors
from tiny_published import DETR_SIDE, family, save_all

from ligature.encoders import extract_images, load_text_encoder, load_vision_encoder
from ligature.encoders.published import LEFT_OUT, PUBLISHED_ENCODERS, PUBLISHED_NOTES, published_encoder
from ligature.errors import EncoderError
from ligature.params.encoders import EmbedParams, EncodersParams, TextEncoderParams, VisionEncoderParams

VISION = [name for name, entry in PUBLISHED_ENCODERS.items() if isinstance(entry, VisionEncoderParams)]
TEXT = [name for name in PUBLISHED_ENCODERS if name not in VISION]
IMAGES = [picture(seed, size) for seed, size in enumerate([(50, 34), (34, 50), (40, 40)])]
WIDTHS = {"convnext": 12, "resnet101": 12, "detr-resnet-50-backbone": 20, "detr-resnet-101-backbone": 20}
TOKENS = {"detr-resnet-50-encoder": 4, "detr-resnet-50-decoder": 7, "detr-resnet-50-backbone": 4, "sam": 16, "dpt": 17}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return save_all(tmp_path_factory.mktemp("published"))


def published(name, folders, **changes):
    """A published entry as it stands, but for its files and, where it has one, its size of images."""
    entry = PUBLISHED_ENCODERS[name]
    side = DETR_SIDE if entry.image_size else None
    changes = {"source": str(folders[family(name)]), "revision": None, "image_size": side} | changes
    return entry.model_copy(update=changes)


def load(name, folders, **changes):
    return load_vision_encoder(published(name, folders, **changes), layout())


def map_mean(states):
    """The mean over the places of a [b, d, h, w] map, place by place."""
    places = [states[:, :, y, x] for y in range(states.shape[2]) for x in range(states.shape[3])]
    return sum(places) / len(places)


def token_mean(states):
    return sum(states[:, t] for t in range(states.shape[1])) / states.shape[1]


def by_hand(name, folder, pixels):
    """The published features, from the classes of the checkpoints, without any hook."""
    import transformers

    def model(kind):
        return getattr(transformers, kind).from_pretrained(folder).eval()

    match name:
        case "convnext":
            return map_mean(model("ConvNextForImageClassification").convnext(pixels).last_hidden_state)
        case "dinov2":
            return token_mean(model("Dinov2Model")(pixels).last_hidden_state)
        case "clip-image":
            return model("CLIPModel").get_image_features(pixel_values=pixels).pooler_output
        case "sam":
            encoder = model("SamModel").vision_encoder
            states = encoder.patch_embed(pixels) + encoder.pos_embed
            for layer in encoder.layers:
                states = layer(states)
            return states.flatten(1, 2).mean(dim=1)
        case "segformer":
            return map_mean(model("SegformerForImageClassification").segformer(pixels).last_hidden_state)
        case "segformer-segment":
            return map_mean(model("SegformerForSemanticSegmentation").segformer(pixels).last_hidden_state)
        case "dpt":
            inner = model("DPTForDepthEstimation").dpt
            states = inner.embeddings(pixels).last_hidden_states
            for layer in inner.encoder.layer:
                states = layer(states)
            return token_mean(states)
        case "resnet101":
            inner = model("ResNetForImageClassification").resnet
            return map_mean(inner.encoder(inner.embedder(pixels)).last_hidden_state)
        case "vit":
            return model("ViTForImageClassification").vit(pixels).last_hidden_state[:, 0]
    return detr_by_hand(model("DetrForObjectDetection").model, name.rpartition("-")[2], pixels)


def detr_by_hand(detr, part, pixels):
    if part == "backbone":
        features, _mask = detr.backbone(pixels, torch.ones_like(pixels[:, 0]))[-1]
        return map_mean(features)
    output = detr(pixel_values=pixels)
    return token_mean(output.encoder_last_hidden_state if part == "encoder" else output.last_hidden_state)


@pytest.mark.parametrize("name", VISION)
def test_features_are_those_of_the_published_layer_and_pooling(name, folders):
    encoder = load(name, folders)
    pixels = torch.stack([encoder.preprocess(image) for image in IMAGES])
    with torch.no_grad():
        features = encoder.forward(pixels)
        expected = by_hand(name, folders[family(name)], pixels)
    pooled = features.pooled(encoder.pooling)
    assert pooled.shape == (len(IMAGES), WIDTHS.get(name, 16))
    torch.testing.assert_close(pooled, expected, rtol=1e-5, atol=1e-6)
    assert (pooled[0] - pooled[1]).abs().max() > 1e-4
    with torch.no_grad():
        alone = encoder.forward(pixels[:1]).pooled(encoder.pooling)
    torch.testing.assert_close(alone, pooled[:1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TOKENS)
def test_every_token_of_the_layer_can_be_had(name, folders):
    encoder = load(name, folders)
    with torch.no_grad():
        features = encoder.forward(torch.stack([encoder.preprocess(image) for image in IMAGES]))
    assert features.tokens().shape[:2] == (len(IMAGES), TOKENS[name])
    assert (features.cls is not None) is encoder.has_cls is (name == "dpt")
    torch.testing.assert_close(features.tokens().mean(dim=1), features.pooled(encoder.pooling))


def test_the_map_of_sam_keeps_rows_and_columns(folders):
    encoder = load("sam", folders, module="patch_embed")
    pixels = encoder.preprocess(picture(0, (64, 32)))[None]  # twice as wide as high, so the lower half is padding
    features = encoder.forward(pixels)
    assert features.grid == (4, 4)
    tokens = features.patches[0].view(4, 4, -1)
    torch.testing.assert_close(tokens[2:], tokens[3, 3].expand(2, 4, -1))
    assert (tokens[:2] - tokens[3, 3]).abs().amax(dim=-1).min() > 1e-3


def test_images_of_a_detector_are_squeezed_to_a_square(folders):
    from transformers import DetrImageProcessorPil

    encoder = load("detr-resnet-50-encoder", folders)
    own = DetrImageProcessorPil(size={"height": DETR_SIDE, "width": DETR_SIDE})(images=IMAGES, return_tensors="pt")
    assert torch.equal(torch.stack([encoder.preprocess(image) for image in IMAGES]), own["pixel_values"])
    with pytest.raises(EncoderError, match="give it an image_size"):
        load("detr-resnet-50-encoder", folders, image_size=None)


def test_images_of_sam_are_padded_at_any_size_but_its_model_takes_one(folders):
    encoder = load("sam", folders, image_size=48)
    pixels = encoder.preprocess(picture(0, (64, 32)))[None]
    assert pixels.shape == (1, 3, 48, 48)
    assert not pixels[:, :, 24:].any()
    with pytest.raises(EncoderError, match=r"'sam': Input image size \(48\*48\).*; check its image_size"):
        encoder.forward(pixels)


def test_a_detector_on_timm_is_refused_in_one_line(folders, tmp_path):
    for file in folders["detr"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config["backbone_config"] = {"model_type": "timm_backbone", "backbone": "resnet50", "out_indices": [4]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(EncoderError, match=r"cannot be loaded: .*timm") as caught:
        load("detr-resnet-50-encoder", folders, source=str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_store_holds_the_mean_of_all_tokens_and_the_module_in_its_identity(folders, tmp_path):
    encoder, data = load("dpt", folders), image_dataset(tmp_path / "images", 3)
    found = extract_images(encoder, data, tmp_path / "store", params=EmbedParams(image_batch=2))
    assert (found.encoder["module"], found.encoder["pooling"], found.dims) == ("encoder", "all", 16)
    pixels = torch.stack([encoder.preprocess(Image.open(path)) for path in data.images["path"]])
    with torch.no_grad():
        expected = encoder.forward(pixels).tokens().mean(dim=1)
    np.testing.assert_allclose(vectors(tmp_path / "store"), expected.numpy(), rtol=2e-3, atol=1e-3)


def test_the_sentence_encoder_gives_unit_vectors_of_its_own_pooling(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    inner = Transformer(str(save_text_model(tmp_path / "roberta", "roberta")))
    parts = [inner, Pooling(32, pooling_mode="mean"), Normalize()]
    SentenceTransformer(modules=parts, device="cpu").save(str(tmp_path / "sentences"))
    entry = PUBLISHED_ENCODERS["allroberta"].model_copy(update={"source": str(tmp_path / "sentences")})
    pooled = load_text_encoder(entry, layout()).forward(["a red circle", "the big photo of a square"]).pooled
    torch.testing.assert_close(pooled.norm(dim=1), torch.ones(2))
    plain = SentenceTransformer(str(tmp_path / "sentences"), device="cpu").encode("a red circle")
    np.testing.assert_allclose(pooled[0].numpy(), plain, atol=1e-6)


def test_both_sides_of_clip_come_from_one_checkpoint(folders):
    image, text = PUBLISHED_ENCODERS["clip-image"], PUBLISHED_ENCODERS["clip-text"]
    assert image.source == text.source
    entry = text.model_copy(update={"source": str(folders["clip"])})
    vector = load_text_encoder(entry, layout()).forward(["a red dog"]).pooled
    assert vector.shape == (1, 16)


def test_the_seventeen_entries_make_a_valid_block_with_a_note_each():
    assert len(PUBLISHED_ENCODERS) == 17
    assert list(PUBLISHED_NOTES) == [*PUBLISHED_ENCODERS]
    assert TEXT == ["clip-text", "allroberta"]
    assert all(isinstance(PUBLISHED_ENCODERS[name], TextEncoderParams) for name in TEXT)
    dumped = {name: entry.model_dump(mode="json") for name, entry in PUBLISHED_ENCODERS.items()}
    block = {"vision": [dumped[name] for name in VISION], "text": [dumped[name] for name in TEXT]}
    assert [entry.name for entry in EncodersParams.model_validate(block).vision] == VISION


def test_encoders_that_are_not_there_are_named_or_explained():
    assert published_encoder("sam").module == "layers.31"
    with pytest.raises(EncoderError, match=r"unknown published encoder 'swin'; known: convnext, dinov2, .*, vit"):
        published_encoder("swin")
    for name, reason in LEFT_OUT.items():
        assert name not in PUBLISHED_ENCODERS
        with pytest.raises(EncoderError, match=f"'{name}' is left out: {reason}"):
            published_encoder(name)
