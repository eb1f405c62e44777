"""The count of operations, against the sum of all products written out."""

from dataclasses import replace

import pytest
import torch
from plain_contrastive import ALIKE, SHARED, TWO_TOWERS, model_of

from ligature.encoders.contrastive import PUBLISHED, ContrastiveConfig, ContrastiveModel
from ligature.encoders.contrastive.flops import count_pair_flops


def multiplications(config: ContrastiveConfig, text_length: int) -> int:
    """Returns the multiply-adds forward, without the patches: 12 W² a token and layer, 2 W a pair of tokens."""

    def trunk(width: int, layers: int, tokens: int) -> int:
        return layers * (12 * width**2 * tokens + 2 * width * tokens**2) + width * config.embed_dim

    image = trunk(config.width, config.layers, 1 + config.patches)
    return image + trunk(config.text_width, config.text_layers, text_length)


def formula(config: ContrastiveConfig, text_length: int) -> int:
    """A product has two gradients; the patches have one, since none goes on to the pixels."""
    patches = config.patches * 3 * config.patch_size**2 * config.width
    return 2 * (3 * multiplications(config, text_length) + 2 * patches)


@pytest.mark.parametrize("text_length", [1, 7, 12])
@pytest.mark.parametrize("config", [TWO_TOWERS, SHARED, replace(ALIKE, layer_scale=0.1)])
def test_every_product_is_counted_with_its_gradients(config, text_length):
    assert count_pair_flops(model_of(config), text_length) == formula(config, text_length)


def test_sharing_saves_parameters_and_no_operations():
    assert count_pair_flops(model_of(SHARED), 9) == count_pair_flops(model_of(ALIKE), 9)


def test_checkpointing_and_the_fixed_scale_do_not_change_the_count():
    model = model_of(replace(SHARED, learn_logit_scale=False))
    model.gradient_checkpointing = True
    assert count_pair_flops(model, 9) == count_pair_flops(model_of(SHARED), 9)


def test_counting_leaves_the_model_and_the_random_numbers_alone():
    model = model_of(SHARED)
    before = [parameter.clone() for parameter in model.parameters()]
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    count_pair_flops(model, 5)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_published_model_is_counted_without_its_memory():
    with torch.device("meta"):
        model = ContrastiveModel(PUBLISHED["clip-vit-b-16"])
    assert count_pair_flops(model, 77) == formula(model.config, 77) == pytest.approx(123e9, rel=0.01)
