"""How weights start, and how the temperature is kept within its bounds."""

import math
from dataclasses import replace

import pytest
import torch
from plain_contrastive import SHARED, TWO_TOWERS, pixels_of, tokens_of

from ligature.encoders.contrastive import ContrastiveConfig, ContrastiveModel


def test_the_scale_starts_where_the_config_says_and_is_kept_as_its_logarithm():
    assert ContrastiveModel(TWO_TOWERS).temperature == pytest.approx(0.07, rel=1e-6)
    fresh = ContrastiveModel(replace(TWO_TOWERS, logit_scale=50.0))
    assert fresh.logit_scale.item() == pytest.approx(math.log(50), rel=1e-6)
    assert fresh.temperature == pytest.approx(0.02, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "moved", "expected"),
    [
        ({}, math.log(500), math.log(100)),
        ({}, math.log(0.5), 0.0),
        ({}, math.log(50), math.log(50)),
        ({"logit_scale_bounds": (2.0, 20.0)}, math.log(50), math.log(20)),
        ({"logit_scale_bounds": None}, math.log(500), math.log(500)),
        ({"learn_logit_scale": False}, math.log(500), math.log(500)),
    ],
)
def test_a_learned_scale_is_kept_within_its_bounds(change, moved, expected):
    model = ContrastiveModel(replace(TWO_TOWERS, **change))
    model.logit_scale.data.fill_(moved)
    model.clamp_temperature()
    assert model.logit_scale.item() == pytest.approx(expected, rel=1e-6)


def test_a_fixed_scale_is_not_trained():
    model = ContrastiveModel(replace(TWO_TOWERS, logit_scale=100.0, learn_logit_scale=False))
    assert not model.logit_scale.requires_grad
    assert model.count_parameters() == model.count_parameters(trainable=False) - 1
    images, texts, scale = model(pixels_of(2), tokens_of(3, 4))
    (scale * (images * texts).sum()).backward()
    assert model.logit_scale.grad is None
    assert model.image.projection.weight.grad is not None


def test_weights_follow_from_the_seed():
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([parameter.flatten() for parameter in ContrastiveModel(TWO_TOWERS).parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


WIDE = ContrastiveConfig(
    image_size=32,
    patch_size=4,
    width=64,
    layers=3,
    heads=4,
    text_width=128,
    text_layers=2,
    text_heads=4,
    embed_dim=96,
    context_length=50,
    vocabulary_size=200,
    end_token=1,
    pad_token=0,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("image.positions", 64**-0.5),
        ("image.projection.weight", 64**-0.5),
        ("image.blocks.layers.1.attention.qkv.weight", 64**-0.5),
        ("image.blocks.layers.1.attention.output.weight", (2 * 3 * 64) ** -0.5),
        ("image.blocks.layers.2.mlp.0.weight", (2 * 64) ** -0.5),
        ("image.blocks.layers.2.mlp.2.weight", (2 * 3 * 64) ** -0.5),
        ("text.embedding.weight", 0.02),
        ("text.positions", 0.01),
        ("text.projection.weight", 128**-0.5),
        ("text.blocks.layers.0.attention.qkv.weight", 128**-0.5),
        ("text.blocks.layers.0.attention.output.weight", (2 * 2 * 128) ** -0.5),
        ("text.blocks.layers.1.mlp.0.weight", (2 * 128) ** -0.5),
        ("text.blocks.layers.1.mlp.2.weight", (2 * 2 * 128) ** -0.5),
    ],
)
def test_weights_start_as_normal_deviates_of_the_published_size(name, expected):
    torch.manual_seed(0)
    weight = dict(ContrastiveModel(WIDE).named_parameters())[name]
    assert weight.std().item() == pytest.approx(expected, rel=0.05)
    assert weight.mean().abs() < 0.1 * expected


def test_the_class_token_starts_as_the_positions_do_and_biases_at_zero():
    torch.manual_seed(0)
    weights = dict(ContrastiveModel(replace(WIDE, width=1024, layers=1)).named_parameters())
    assert weights["image.class_token"].std().item() == pytest.approx(1024**-0.5, rel=0.1)
    biases = [weight for name, weight in weights.items() if name.endswith(".bias")]
    assert len(biases) == 6 * 3 + 3
    assert not any(bias.any() for bias in biases)


def test_layer_scale_starts_where_the_config_says_and_damps_the_blocks():
    torch.manual_seed(0)
    model = ContrastiveModel(replace(SHARED, layer_scale=1e-4))
    factors = [weight for name, weight in model.named_parameters() if name.endswith("_scale.factors")]
    assert len(factors) == 2 * 2
    assert all((factor == 1e-4).all() for factor in factors)
    tokens = torch.randn(1, 5, 16)
    torch.testing.assert_close(model.image.blocks(tokens, causal=False), tokens, atol=1e-2, rtol=0)
