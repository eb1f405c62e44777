"""Published configurations have the published sizes, by formula and by number."""

import pytest
import torch

from ligature.encoders.contrastive import PUBLISHED, ContrastiveConfig, ContrastiveModel

COUNTS = {
    "shared-vit-b-16": 124_393_729,
    "shared-vit-b-16-512": 124_197_121,
    "shared-vit-l-16": 152_745_217,
    "clip-vit-b-16": 149_620_737,
}


def blocks(width: int, layers: int) -> int:
    """Attention has 4 W² + 4 W weights, the MLP 8 W² + 5 W, the two norms 4 W."""
    return layers * ((4 * width**2 + 4 * width) + (8 * width**2 + 5 * width) + 4 * width)


def formula(config: ContrastiveConfig) -> int:
    width, text_width, embed = config.width, config.text_width, config.embed_dim
    image_stem = 3 * 16**2 * width + width + (14**2 + 1) * width + 2 * width
    text_stem = 49_408 * text_width + 77 * text_width
    trunk = blocks(width, config.layers) + 2 * width + width * embed
    text_trunk = blocks(text_width, config.text_layers) + 2 * text_width + text_width * embed
    return image_stem + text_stem + trunk + (0 if config.shared else text_trunk) + 1


def model_without_memory(name: str) -> ContrastiveModel:
    with torch.device("meta"):
        return ContrastiveModel(PUBLISHED[name])


@pytest.mark.parametrize("name", COUNTS)
def test_published_models_have_their_size(name):
    assert formula(PUBLISHED[name]) == COUNTS[name]
    assert model_without_memory(name).count_parameters() == COUNTS[name]


def test_all_published_models_are_counted():
    assert set(PUBLISHED) == set(COUNTS)


def test_published_models_differ_in_what_their_names_say():
    base, narrow = PUBLISHED["shared-vit-b-16"], PUBLISHED["shared-vit-b-16-512"]
    large, clip = PUBLISHED["shared-vit-l-16"], PUBLISHED["clip-vit-b-16"]
    assert (base.width, base.layers, base.heads, base.embed_dim) == (768, 12, 12, 768)
    assert (narrow.layers, narrow.embed_dim) == (12, 512)
    assert (large.width, large.layers, large.heads, large.embed_dim) == (768, 16, 12, 768)
    assert (clip.text_width, clip.text_heads, clip.embed_dim, clip.shared) == (512, 8, 512, ())
    assert {config.shared for config in (base, narrow, large)} == {("blocks", "norm", "projection")}
    for config in PUBLISHED.values():
        assert (config.image_size, config.context_length, config.end_token) == (224, 77, 49_407)
        assert config.width // config.heads == config.text_width // config.text_heads == 64


def test_published_models_give_features_of_their_width():
    model = model_without_memory("shared-vit-b-16-512")
    with torch.device("meta"):
        assert model.encode_image(torch.empty(2, 3, 224, 224)).shape == (2, 512)
        assert model.text(torch.zeros(2, 33, dtype=torch.long)).shape == (2, 512)
