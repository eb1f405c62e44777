"""Operations and weights of encoders against published figures and against a count."""

import pytest
import torch
from plan_examples import RESOURCES, facts_of, tiny_values

from ligature.encoders.flops import count_flops
from ligature.encoders.unimodal.architectures import build_vision_model
from ligature.planning import read_tables

KNOWN = read_tables(RESOURCES).architectures


@pytest.mark.parametrize(
    ("source", "gmacs", "millions"),
    [
        ("facebook/dinov2-large", 81.0, 304),
        ("facebook/dinov2-base", 23.1, 86.6),
        ("openai/clip-vit-base-patch32", 4.4, 87.8),
        ("microsoft/resnet-50", 4.1, 25.6),
    ],
)
def test_vision_encoders_cost_what_is_published(source, gmacs, millions):
    model = KNOWN[source, "vision"]
    assert model.image_flop() / 2e9 == pytest.approx(gmacs, rel=0.02)
    assert model.parameters / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize(
    ("source", "millions"),
    [
        ("sentence-transformers/all-roberta-large-v1", 355),
        ("sentence-transformers/all-MiniLM-L6-v2", 22.7),
        ("intfloat/multilingual-e5-large", 560),
    ],
)
def test_text_encoders_have_the_weights_that_are_published(source, millions):
    assert KNOWN[source, "text"].parameters / 1e6 == pytest.approx(millions, rel=0.02)


def test_a_token_of_a_large_text_encoder_takes_two_operations_a_weight_of_its_layers():
    model = KNOWN["sentence-transformers/all-roberta-large-v1", "text"]
    assert model.tokens_flop(18) / 18 == pytest.approx(0.606e9, rel=0.005)
    layers = model.parameters - model.vocabulary * model.width
    assert model.tokens_flop(18) - 24 * 4 * 18**2 * 1024 == pytest.approx(2 * 18 * layers)


def test_a_larger_image_has_more_patches_and_a_convolutional_network_scales_with_the_area():
    model = KNOWN["openai/clip-vit-large-patch14", "vision"]
    assert (model.image_tokens(), model.image_tokens(336)) == (257, 577)
    network = KNOWN["microsoft/resnet-50", "vision"]
    assert network.image_flop(448) == 4 * network.image_flop(224)


def test_the_formula_agrees_with_a_count_of_the_real_model():
    values = tiny_values()
    values["encoders"]["vision"][1]["image_size"] = 64
    model = build_vision_model("vit", 64).eval()
    with torch.no_grad():
        _, counted = count_flops(lambda: model(pixel_values=torch.zeros(1, 3, 64, 64)))
    formula = facts_of(values).architecture("vit-untrained").image_flop()
    assert formula == pytest.approx(counted, rel=0.01)
