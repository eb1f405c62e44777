import pytest
import torch

from ligature.encoders.unimodal import ResNetSize, VitSize
from ligature.encoders.unimodal.architectures import build_vision_model, feature_width, pooled_features
from ligature.errors import EncoderError


@pytest.mark.parametrize("architecture", ["vit", "resnet"])
def test_features_have_the_width_they_say(architecture):
    model = build_vision_model(architecture, 64)
    assert pooled_features(model, torch.zeros(3, 3, 64, 64)).shape == (3, feature_width(model))


def test_a_vit_is_described_by_its_cls_token_beside_the_mean_patch():
    model = build_vision_model("vit", 32, size=VitSize(8, 16, 1, 2, 2)).eval()
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    tokens = model(pixel_values=pixels).last_hidden_state
    assert tokens.shape == (2, 1 + 16, 16)
    for features, image in zip(pooled_features(model, pixels), tokens, strict=True):
        torch.testing.assert_close(features[:16], image[0])
        torch.testing.assert_close(features[16:], sum(image[1:]) / 16)


def test_a_resnet_is_described_by_its_own_pooling():
    model = build_vision_model("resnet", 32, size=ResNetSize(4, (8, 12), (1, 2))).eval()
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    pooled = model(pixel_values=pixels).pooler_output.flatten(1)
    torch.testing.assert_close(pooled_features(model, pixels), pooled)


def test_sizes_are_those_asked_for():
    vit = build_vision_model("vit", 48, size=VitSize(8, 24, 3, 2, 3)).config
    found = (vit.patch_size, vit.hidden_size, vit.num_hidden_layers, vit.num_attention_heads, vit.mlp_ratio)
    assert found == (8, 24, 3, 2, 3)
    resnet = build_vision_model("resnet", 48, size=ResNetSize(4, (8, 16), (1, 2))).config
    assert (resnet.embedding_size, resnet.hidden_sizes, resnet.depths) == (4, [8, 16], [1, 2])


def test_an_image_of_broken_patches_is_refused():
    with pytest.raises(EncoderError, match="image_size 60 is no multiple of the patch size of a vit, 8"):
        build_vision_model("vit", 60, size=VitSize(patch_size=8))
